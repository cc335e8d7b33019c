import Bytes
import Glibc
import HTTPMessages

/// The request target (RFC 9112 §3.2), split and otherwise raw.
struct RequestTarget: Equatable {
    /// Starts with `/`.
    let path: ByteText
    let query: ByteText?
    /// Of the absolute form alone, where it stands for the Host field.
    let authority: ByteText?

    /// Takes the origin form and the absolute form; nil for anything else, and for control
    /// characters, spaces and what is not ASCII (RFC 9112 §3.2, RFC 3986 §2).
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard unsafe bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            let start = unsafe bytes.first
        else { return nil }
        let text = unsafe String(decoding: bytes, as: UTF8.self)
        if start == UInt8(ascii: "/") {
            self.init(pathAndQuery: text.utf8[...], authority: nil)
        } else {
            guard let (authority, rest) = Self.splitAbsolute(text.utf8) else { return nil }
            self.init(pathAndQuery: rest, authority: authority)
        }
    }

    private init(pathAndQuery bytes: Substring.UTF8View, authority: ByteText?) {
        self.authority = authority
        let mark = bytes.firstIndex(of: UInt8(ascii: "?"))
        let path = bytes[..<(mark ?? bytes.endIndex)]
        self.path = path.isEmpty ? "/" : ByteText(Substring(path))
        query = mark.map { ByteText(Substring(bytes[$0...].dropFirst())) }
    }

    private static let schemes: [ByteText] = ["http://", "https://"]

    private static func splitAbsolute(
        _ bytes: String.UTF8View
    ) -> (authority: ByteText, rest: Substring.UTF8View)? {
        for scheme in schemes {
            let start = bytes.prefix(scheme.count)
            guard ByteText(Substring(start)).equalsIgnoringCase(scheme) else { continue }
            let behind = bytes[start.endIndex...]
            let end = behind.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
            let authority = behind[..<(end ?? behind.endIndex)]
            guard !authority.isEmpty, !authority.contains(UInt8(ascii: "@")) else { return nil }
            return (ByteText(Substring(authority)), behind[(end ?? behind.endIndex)...])
        }
        return nil
    }
}

/// Text out of C's memory.
enum RawText {
    /// The bytes of a C string, without the NUL.
    static func bytes(_ text: UnsafePointer<CChar>?) -> UnsafeRawBufferPointer {
        guard let text = unsafe text else {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return unsafe UnsafeRawBufferPointer(start: text, count: strlen(text))
    }
}
