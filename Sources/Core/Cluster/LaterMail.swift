import Sessions

/// A mail of a kind that this version does not know: it is passed over, and taken to have arrived.
///
/// What is known of all such kinds is that they are no less than 128, and that a length follows.
package struct LaterMail: Equatable, Sendable {
    private static let kindMin: UInt8 = 128

    package let kind: UInt8
    package let bytes: [UInt8]

    /// Nil for a kind that is one of the first version's, or none.
    package init?(kind: UInt8, _ bytes: [UInt8]) {
        guard kind >= Self.kindMin else { return nil }
        self.kind = kind
        self.bytes = bytes
    }

    /// Behind its kind.
    var size: Int { 4 + bytes.count }

    func write(to out: inout ByteWriter) {
        out.put(kind)
        out.put(bytes)
    }

    init(_ kind: UInt8, _ input: inout ByteReader) throws(ByteReader.Fault) {
        guard kind >= Self.kindMin else { throw input.fault }
        self.kind = kind
        bytes = Array(try input.part())
    }
}
