import Glibc
import HTTPMessages

/// The request target (RFC 9112 §3.2), split and otherwise raw.
struct RequestTarget: Equatable {
    /// Starts with `/`.
    let path: String
    let query: String?
    /// Of the absolute form alone, where it stands for the Host field.
    let authority: String?

    /// Takes the origin form and the absolute form; nil for anything else, and for control
    /// characters, spaces and what is no UTF-8.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard unsafe bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F }),
            let start = unsafe bytes.first, let text = unsafe RawText.string(bytes)
        else { return nil }
        if start == UInt8(ascii: "/") {
            self.init(pathAndQuery: text[...], authority: nil)
        } else {
            guard let (authority, rest) = Self.splitAbsolute(text) else { return nil }
            self.init(pathAndQuery: rest, authority: String(authority))
        }
    }

    private init(pathAndQuery text: Substring, authority: String?) {
        self.authority = authority
        guard let mark = text.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            path = text.isEmpty ? "/" : String(text)
            query = nil
            return
        }
        path = mark == text.startIndex ? "/" : String(text[..<mark])
        query = String(text[text.utf8.index(after: mark)...])
    }

    private static func splitAbsolute(
        _ text: String
    ) -> (authority: Substring, rest: Substring)? {
        for scheme in ["http://", "https://"] {
            let start = text.utf8.prefix(scheme.utf8.count)
            guard FieldGrammar.areSameName(Substring(start), scheme) else { continue }
            let behind = text[start.endIndex...]
            let end = behind.utf8.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
            let authority = behind[..<(end ?? behind.endIndex)]
            guard !authority.isEmpty, !authority.utf8.contains(UInt8(ascii: "@")) else {
                return nil
            }
            return (authority, behind[(end ?? behind.endIndex)...])
        }
        return nil
    }
}

/// Text out of C's memory.
enum RawText {
    /// The bytes as a string; nil where they are no UTF-8.
    static func string(_ bytes: UnsafeRawBufferPointer) -> String? {
        let bytes = unsafe bytes.assumingMemoryBound(to: UInt8.self).span
        guard let text = try? UTF8Span(validating: bytes) else { return nil }
        return String(copying: text)
    }

    /// The bytes of a C string, without the NUL.
    static func bytes(_ text: UnsafePointer<CChar>?) -> UnsafeRawBufferPointer {
        guard let text = unsafe text else {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return unsafe UnsafeRawBufferPointer(start: text, count: strlen(text))
    }
}
