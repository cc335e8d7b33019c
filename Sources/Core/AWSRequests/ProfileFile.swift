package import Bytes
internal import HTTPMessages

/// A file that AWS's tools share, as `~/.aws/credentials` and `~/.aws/config`: sections with
/// settings. What is nested within a setting is passed over.
package struct ProfileFile: Equatable, Sendable {
    package typealias Section = [ByteText: ByteText]

    package static let bytesMax = 1 << 20

    /// What is wrong with it. Says where, never what stands there.
    package enum Fault: Error, Equatable, Sendable {
        case tooLarge
        /// Counted from 1.
        case line(Int, Expected)
    }

    package enum Expected: String, Sendable {
        case text = "text in UTF-8"
        case section = "[NAME]"
        case setting = "NAME = VALUE"
        case begun = "a [NAME] above the first setting"
    }

    private var sections: [ByteText: Section] = [:]

    package init(_ bytes: [UInt8]) throws(Fault) {
        guard bytes.count <= Self.bytesMax else { throw .tooLarge }
        var section: ByteText?
        // Of the last setting: what is indented further belongs to that.
        var indent: Int?
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        let lines = bytes[start...].split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let number = index + 1
            guard let text = ByteText(Array(line).span) else { throw .line(number, .text) }
            let depth = text.utf8.prefix { Self.isBlank($0) }.count
            let words = Self.trimmed(text)
            guard let first = words.utf8.first, !Self.isComment(first) else { continue }
            if let indent, depth > indent { continue }
            if first == UInt8(ascii: "[") {
                guard let name = Self.name(words) else { throw .line(number, .section) }
                section = name
                indent = nil
                if sections[name] == nil { sections[name] = [:] }
                continue
            }
            let pair = words.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, !Self.trimmed(pair[0]).isEmpty else {
                throw .line(number, .setting)
            }
            guard let section else { throw .line(number, .begun) }
            indent = depth
            let name = FieldGrammar.lowercased(Self.trimmed(pair[0]))
            sections[section]?[name] = Self.trimmed(Self.withoutComment(pair[1]))
        }
    }

    /// Nil where it has no such section.
    package subscript(name: ByteText) -> Section? { sections[name] }

    // MARK: Lines

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func isComment(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";")
    }

    private static func trimmed(_ text: ByteText) -> ByteText {
        var bytes = text.utf8[...]
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) || last == 0x0D { bytes.removeLast() }
        return ByteText(Substring(bytes))
    }

    /// Up to a comment, before which there is a blank: keys may hold `#` elsewhere.
    private static func withoutComment(_ text: ByteText) -> ByteText {
        var previous: UInt8 = 0
        let end = text.utf8.firstIndex { byte in
            defer { previous = byte }
            return isComment(byte) && isBlank(previous)
        }
        return end.map { ByteText(Substring(text.utf8[..<$0])) } ?? text
    }

    /// `[profile "a b"]` names `profile a b`.
    private static func name(_ line: ByteText) -> ByteText? {
        guard let end = line.utf8.firstIndex(of: UInt8(ascii: "]")) else { return nil }
        let rest = trimmed(ByteText(Substring(line.utf8[line.utf8.index(after: end)...])))
        guard rest.utf8.first.map(isComment) ?? true else { return nil }
        let inner = ByteText(Substring(line.utf8[..<end])).dropFirst(1)
        let words = inner.utf8.filter { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "'") }
            .split { isBlank($0) }
        let name = words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
        return name.utf8.isEmpty ? nil : ByteText(name)
    }
}
