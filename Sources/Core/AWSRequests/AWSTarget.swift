package import Bytes

/// Path and query of a request to an AWS service, from the texts that they stand for.
package struct AWSTarget: Equatable, Sendable {
    private let segments: [ByteText]
    /// Encoded, in the order that a signature asks for, which is as good as any on the wire.
    let query: String

    /// nil where a segment is empty, `.` or `..`. Such a one cannot be written so that nobody on
    /// the way takes it out, and the request would be another.
    ///
    /// - Parameters:
    ///   - segments: What stands between the slashes, not encoded; none for `/`.
    ///   - query: Names and values, not encoded.
    package init?(segments: [ByteText], query: [(name: ByteText, value: ByteText)] = []) {
        guard segments.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else { return nil }
        self.segments = segments.map { ByteText(Self.encode($0)) }
        let pairs = query.map {
            (name: ByteText(Self.encode($0.name)), value: ByteText(Self.encode($0.value)))
        }
        self.query =
            pairs.sorted { $0.name == $1.name ? $0.value < $1.value : $0.name < $1.name }
            .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// `/`, without a query.
    package static let root = AWSTarget()

    private init() { (segments, query) = ([], "") }

    /// As it stands in the request line: every segment encoded once.
    package var text: ByteText {
        let path = "/" + segments.joined(separator: "/")
        return ByteText(query.utf8.isEmpty ? path : path + "?" + query)
    }

    /// The path as it is signed: every segment encoded once more, as all services but S3 have it.
    var signedPath: String { "/" + segments.map(Self.encode).joined(separator: "/") }

    /// All but the unreserved characters of RFC 3986 §2.3 as `%XY`, of the text's UTF-8.
    private static func encode(_ text: ByteText) -> String {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.count)
        for byte in text.utf8 {
            if isUnreserved(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), Hex.upper(byte >> 4), Hex.upper(byte & 15)]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x41...0x5A, 0x61...0x7A, 0x30...0x39: true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }
}

enum Hex {
    static func upper(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 &+ value : 0x37 &+ value }

    static func lower(_ bytes: [UInt8]) -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity(2 * bytes.count)
        for byte in bytes {
            digits.append(upper(byte >> 4) | 0x20)
            digits.append(upper(byte & 15) | 0x20)
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
