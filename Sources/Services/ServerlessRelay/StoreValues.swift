package import Admission
package import Bytes
package import Identifiers
package import Signalling

/// The work of one invocation of the function.
package struct Invoked: Sendable {
    package let id: ByteText
    /// When it is killed, in milliseconds since the Unix epoch.
    package let deadline: Int64
    /// Whether it is about somebody whom another's event concerns: what that one's own end would
    /// mean for others, who may end over it in turn, is left for later.
    private(set) var isNested = false

    package init(id: ByteText, deadline: Int64) {
        self.id = id
        self.deadline = deadline
    }

    var nested: Invoked {
        var nested = self
        nested.isNested = true
        return nested
    }
}

/// What bounds sessions and rooms; in each but the last 0 means no limit.
package struct StoreLimits: Equatable, Sendable {
    package var roomsPerConnectionMax = 16
    /// At most `membersMax`, which stands in for 0.
    package var roomMembersMax = 64
    /// What may wait for a client, and what is kept of what it was sent.
    package var historyEventsMax = 256
    package var historyBytesMax = 256 << 10
    package var resumeGraceSeconds = 30
    /// How long the gateway lets a connection be.
    package let connectionSeconds = 7200

    /// A broadcast is one transaction, which has at most 100 writes.
    package static let membersMax = 96

    package init() {}
}

/// Why the store could not do what was asked; what it began, whoever comes next goes on with.
package enum StoreFault: Error, Equatable, Sendable {
    case unavailable(String)
}

/// A session as it was when somebody looked.
package struct SessionView: Sendable {
    let item: SessionItem

    package var connection: ConnectionID { item.connection }
    /// Nil while its client is away.
    package var gateway: ByteText? { item.gateway }
    package var dialect: Dialect { item.dialect }
    package var grant: TokenGrant { item.grant }
    /// Seconds since the epoch: the end of its grace time while its client is away, and of the
    /// time that the gateway lets a connection be, with a grace time, while it is not.
    package var until: Int64 { item.until }
    /// Whether nothing came of any message yet: the next is the first, as far as it matters.
    package var isFresh: Bool { item.lastSeq == 0 && item.rooms.isEmpty }
    /// The rooms that it is a member of.
    package var rooms: [RoomName] { item.rooms.keys.sorted() }
}

/// An event as a mailbox keeps it: without its last brace, before which v1 puts a number.
package struct KeptEvent: Equatable, Sendable {
    package let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// - Parameters:
    ///   - event: As the composer made it.
    ///   - text: The message of which it passes a part on, if it does.
    ///   - receiver: Whose own id it bears, if it does.
    package init(
        _ event: borrowing Event, of text: Span<UInt8> = Span(), to receiver: PeerID? = nil
    ) {
        var bytes = event.head
        switch event.body {
        case .none: break
        case .ownID: bytes += receiver?.quoted ?? Array("null".utf8)
        case .message(let range): for index in range { bytes.append(text[index]) }
        }
        bytes.append(UInt8(ascii: "}"))
        self.bytes = bytes
    }

    /// As it is sent; nil for one without a number.
    package func sent(as seq: Int64?) -> [UInt8] {
        guard let seq else { return bytes + [UInt8(ascii: "}")] }
        return bytes + Array(#","seq":\#(seq)}"#.utf8)
    }
}
