import Bytes
import StrictJSON

/// A short member name as one number, so that finding out which name it is costs one comparison
/// each.
///
/// Exact: the count stands before the bytes, and names longer than 15 bytes have none.
struct MemberName: Equatable, Sendable {
    private static let bytesMax = 15
    private let packed: UInt128

    init?(_ name: String) {
        let bytes = name.utf8.span
        self.init(bytes, 0..<bytes.count)
    }

    /// The member's name after unescaping.
    init?(of member: RawScanner.RawMember, in bytes: Span<UInt8>) {
        if member.nameIsEscaped {
            guard let name = JSONText.unquote(bytes, member.name) else { return nil }
            self.init(name.string)
        } else {
            self.init(bytes, member.name)
        }
    }

    private init?(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard range.count <= Self.bytesMax else { return nil }
        var packed = UInt128(range.count)
        for index in range { packed = packed << 8 | UInt128(bytes[index]) }
        self.packed = packed
    }
}
