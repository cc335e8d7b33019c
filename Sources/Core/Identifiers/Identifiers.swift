// Public, since nothing that is made of it could be inlined elsewhere otherwise.
public import Bytes

/// A name of one kind of thing: equal to another where its bytes are, whatever Unicode says of
/// them, and never taken for the name of another kind.
@usableFromInline
package protocol Identifier: Hashable, Comparable, Sendable, ExpressibleByStringInterpolation,
    CustomStringConvertible
{
    var text: ByteText { get }
    init(_ text: ByteText)
}

extension Identifier {
    @inlinable
    package init(_ string: String) { self.init(ByteText(string)) }
    @inlinable
    package init(stringLiteral value: String) { self.init(ByteText(value)) }

    /// To be shown or sent, never to be compared.
    @inlinable
    package var string: String { text.string }
    @inlinable
    package var utf8: String.UTF8View { text.string.utf8 }
    @inlinable
    package var description: String { text.string }

    @inlinable
    package static func == (left: Self, right: Self) -> Bool { left.text == right.text }
    @inlinable
    package func hash(into hasher: inout Hasher) { text.hash(into: &hasher) }
    @inlinable
    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

/// Of a registered client: `client_id` (RFC 6749 §2.2).
@usableFromInline
package struct ClientID: Identifier {
    @usableFromInline
    package let text: ByteText
    @inlinable
    package init(_ text: ByteText) { self.text = text }
}

/// Whom a token is about: `sub` (RFC 7519 §4.1.2), a client's id, and after a colon the client's
/// own name for a user.
@usableFromInline
package struct Subject: Identifier {
    @usableFromInline
    package let text: ByteText
    @inlinable
    package init(_ text: ByteText) { self.text = text }
}

/// A room's name as its members know it: `roomId` on the wire (docs/protocol.md §1). Of two
/// clients, rooms of one name are two rooms.
@usableFromInline
package struct RoomName: Identifier {
    @usableFromInline
    package let text: ByteText
    @inlinable
    package init(_ text: ByteText) { self.text = text }
}
