import Bytes

/// One thing that `usher serve` can be told. All that bears its name is made from this: its flag
/// with the help, its variable, and its member in the configuration file.
struct Setting<Value>: AnySetting {
    let name: ByteText
    let kind: SettingKind
    let defaultText: String?
    let range: ClosedRange<Int>?
    let expected: String
    let help: String
    private let read: @Sendable ([String]) throws(WrongText) -> Value

    /// - Throws: `SettingError` where it is set to what it must not be.
    func value(in values: SettingValues) throws(SettingError) -> Value {
        do throws(WrongText) {
            return try read(values.texts(of: self))
        } catch {
            throw values.error(self, value: error.text)
        }
    }

    func check(_ values: SettingValues) throws(SettingError) { _ = try value(in: values) }
}

/// A setting, whatever its values are.
protocol AnySetting: Sendable {
    /// The flag's name without its dashes, and the member's in the configuration file.
    var name: ByteText { get }
    var kind: SettingKind { get }
    /// The default, or what it comes from; nil where there is none.
    var defaultText: String? { get }
    /// Of numbers.
    var range: ClosedRange<Int>? { get }
    /// What a value must be, as errors say it.
    var expected: String { get }
    /// What it is, without its default.
    var help: String { get }

    func check(_ values: SettingValues) throws(SettingError)
}

extension AnySetting {
    var flag: String { "--" + name.string }
    var variable: String { "USHER_" + name.string.uppercased().replacing("-", with: "_") }
}

enum SettingKind {
    /// Yes or no; no value on the command line.
    case flag
    case single
    /// May be given several times as a flag, and as a list in the file.
    case list
}

/// One of the texts of a setting is not what it must be.
private struct WrongText: Error {
    let text: String
}

// MARK: Kinds of settings

extension Setting {
    static func flag(_ name: ByteText, _ help: String) -> Setting where Value == Bool {
        Setting(
            name: name, kind: .flag, defaultText: nil, range: nil, expected: "true or false",
            help: help,
            read: { texts throws(WrongText) in
                switch texts.last {
                case nil, "false", "0", "no": false
                case "true", "1", "yes": true
                case let text?: throw WrongText(text: text)
                }
            })
    }

    static func number(
        _ name: ByteText, _ usual: Int, in range: ClosedRange<Int>, _ help: String
    ) -> Setting where Value == Int {
        let zero = range.lowerBound == 0 ? " (0 means no limit)" : ""
        return single(
            name, usual, "\(usual)", range,
            expected: "a whole number from \(range.lowerBound) to \(range.upperBound)\(zero)",
            help
        ) { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }
    }

    static func choice(
        _ name: ByteText, _ usual: Value, _ help: String
    ) -> Setting where Value: RawRepresentable<String> & CaseIterable & Sendable {
        let all = Value.allCases.map(\.rawValue).joined(separator: ", ")
        return single(
            name, usual, usual.rawValue, expected: "one of \(all)", help, Value.init(rawValue:))
    }

    static func text(
        _ name: ByteText, default defaultText: String? = nil, _ help: String
    ) -> Setting where Value == String? {
        optional(name, default: defaultText, expected: "text", help) { $0 }
    }

    static func optional<Element: Sendable>(
        _ name: ByteText, default defaultText: String? = nil, expected: String, _ help: String,
        _ parse: @escaping @Sendable (String) -> Element?
    ) -> Setting where Value == Element? {
        single(name, nil, defaultText, expected: expected, help) { parse($0).map { .some($0) } }
    }

    static func list<Element>(
        _ name: ByteText, expected: String, _ help: String,
        _ parse: @escaping @Sendable (String) -> Element?
    ) -> Setting where Value == [Element] {
        Setting(
            name: name, kind: .list, defaultText: nil, range: nil, expected: expected, help: help,
            read: { texts throws(WrongText) in
                try texts.map { text throws(WrongText) in
                    guard let element = parse(text) else { throw WrongText(text: text) }
                    return element
                }
            })
    }

    static func single(
        _ name: ByteText, _ usual: Value, _ defaultText: String?,
        _ range: ClosedRange<Int>? = nil, expected: String, _ help: String,
        _ parse: @escaping @Sendable (String) -> Value?
    ) -> Setting where Value: Sendable {
        Setting(
            name: name, kind: .single, defaultText: defaultText, range: range, expected: expected,
            help: help,
            read: { texts throws(WrongText) in
                guard let text = texts.last else { return usual }
                guard let value = parse(text) else { throw WrongText(text: text) }
                return value
            })
    }
}

/// A setting whose value is not what it must be. Nothing starts.
struct SettingError: Error, Equatable, CustomStringConvertible {
    /// Where it was set: `--max-rooms`, `USHER_MAX_ROOMS`, or `"max-rooms" in usher.json`.
    let place: String
    let value: String
    let expected: String

    var description: String { "\(place) is \"\(value)\": expected \(expected)" }
}
