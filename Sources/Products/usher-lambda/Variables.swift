import Bytes
import Glibc

/// A variable whose value is not what it must be. Nothing is handled.
struct SettingFault: Error, Equatable, CustomStringConvertible {
    let name: String
    /// What is set; nil where nothing is, or where it may be a secret.
    let value: String?
    let expected: String

    var description: String {
        value.map { "\(name) is \"\($0)\": expected \(expected)" }
            ?? "\(name): expected \(expected)"
    }
}

/// What the function was told. An empty variable counts as none, as everywhere in Usher.
struct Variables {
    private let values: [ByteText: ByteText]

    init(_ values: [ByteText: ByteText]) { self.values = values }

    /// Those of the process.
    static var ofProcess: Variables {
        var values: [ByteText: ByteText] = [:]
        var next = unsafe environ
        while let line = unsafe next.pointee {
            let pair = ByteText(unsafe String(cString: line))
                .split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { values[pair[0]] = pair[1] }
            unsafe next += 1
        }
        return Variables(values)
    }

    func text(_ name: String) -> ByteText? {
        values[ByteText(name)].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Separated by commas or spaces.
    func list(_ name: String) -> [ByteText] {
        let text = text(name) ?? ""
        return text.utf8.split { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: " ") }
            .map { ByteText(Substring($0)) }
    }

    func needed(_ name: String, _ expected: String) throws(SettingFault) -> ByteText {
        guard let text = text(name) else {
            throw SettingFault(name: name, value: nil, expected: expected)
        }
        return text
    }

    /// The fault of a variable that may be shown.
    func fault(
        _ name: String, _ expected: String, value: ByteText? = nil
    ) -> SettingFault {
        SettingFault(name: name, value: (value ?? text(name))?.string, expected: expected)
    }

    func integer(
        _ name: String, default value: Int, in range: ClosedRange<Int>
    ) throws(SettingFault) -> Int {
        guard let text = text(name) else { return value }
        guard let number = Int(text.string), range.contains(number) else {
            throw fault(
                name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A limit that cannot be switched off here: 0 stands for the most that there can be.
    func limit(
        _ name: String, default value: Int, most: Int
    ) throws(SettingFault) -> Int {
        let number = try integer(name, default: value, in: 0...most)
        return number == 0 ? most : number
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, default value: Choice
    ) throws(SettingFault) -> Choice {
        guard let text = text(name) else { return value }
        guard let choice = Choice(named: text) else {
            let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw fault(name, "one of \(all)")
        }
        return choice
    }
}
