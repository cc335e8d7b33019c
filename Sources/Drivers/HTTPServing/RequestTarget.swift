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
    init?(_ bytes: Span<UInt8>) {
        guard bytes.count > 0, bytes.isASCII, bytes.isPrintable(from: 0x21) else { return nil }
        if bytes[0] == UInt8(ascii: "/") {
            self.init(pathAndQuery: bytes, authority: nil)
        } else {
            guard let authority = Self.authority(bytes),
                let text = ByteText(bytes.extracting(authority))
            else { return nil }
            self.init(
                pathAndQuery: bytes.extracting(authority.upperBound..<bytes.count), authority: text)
        }
    }

    private init?(pathAndQuery bytes: Span<UInt8>, authority: ByteText?) {
        let mark = bytes.firstIndex(of: UInt8(ascii: "?"), in: 0..<bytes.count)
        guard let path = ByteText(bytes.extracting(0..<(mark ?? bytes.count))) else { return nil }
        self.authority = authority
        self.path = path.isEmpty ? "/" : path
        query = mark.flatMap { ByteText(bytes.extracting(($0 + 1)..<bytes.count)) }
    }

    private static let schemes: [ByteText] = ["http://", "https://"]

    /// Where the absolute form has it; nil where this is none, or names a user.
    private static func authority(_ bytes: Span<UInt8>) -> Range<Int>? {
        for scheme in schemes where bytes.count > scheme.count {
            guard bytes.extracting(first: scheme.count).equalsIgnoringCase(scheme.utf8.span)
            else { continue }
            var end = scheme.count
            while end < bytes.count, bytes[end] != UInt8(ascii: "/"),
                bytes[end] != UInt8(ascii: "?")
            {
                guard bytes[end] != UInt8(ascii: "@") else { return nil }
                end += 1
            }
            return end > scheme.count ? scheme.count..<end : nil
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
