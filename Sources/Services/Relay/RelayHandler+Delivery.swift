internal import Cluster
internal import Locking
internal import Rooms
internal import Signalling
internal import WebSocket

/// What became of an event for one receiver.
enum Delivery {
    /// Its session has ended or is about to: nothing was sent.
    case refused
    case done
    /// It is on its way to a socket of another loop.
    case posted
}

// How events reach those whom they concern; there is no other way.
extension RelayHandler {
    /// Tells one receiver something: a classic one over its socket, a v1 one through the stream of
    /// its session. `text` is the message of which the event passes a part on, if it does, and
    /// `ownID` the receiver's `PeerID.quoted`, if the event bears that.
    ///
    /// In line, as is `pass`: every payload goes this way.
    @inline(__always)
    func deliver(
        _ event: borrowing Event, of text: Span<UInt8>, to receiver: ConnectionID,
        at address: RoomMember.Address, ownID: Span<UInt8> = Span(),
        _ loop: inout some SocketOutput & ~Copyable
    ) -> Delivery {
        let body =
            switch event.body {
            case .none: Span<UInt8>()
            case .ownID: ownID
            case .message(let range): text.extracting(range)
            }
        return deliver(event.head.span, body, to: receiver, at: address, &loop)
    }

    /// The same for one that is composed, in two pieces.
    @inline(__always)
    func deliver(
        _ head: Span<UInt8>, _ body: Span<UInt8>, to receiver: ConnectionID,
        at address: RoomMember.Address, _ loop: inout some SocketOutput & ~Copyable
    ) -> Delivery {
        switch address {
        case .classic(let raw):
            let socket = SocketID(raw: raw)
            loop.send(to: socket, head: head, body: body, tail: composer.tail.span)
            return socket.loop == loop.index ? .done : .posted
        case .v1, .arriving, .landing:
            let session = commons.sessions.session(receiver)
            return session?.take(head, body, commons, &loop) == true ? .done : .refused
        // Who is elsewhere is told there.
        case .elsewhere, .nowhere: return .refused
        }
    }

    /// The same for one that is part of something that others may hold.
    func deliver(
        _ part: Range<Int>, of bytes: [UInt8], to receiver: ConnectionID,
        at address: RoomMember.Address, _ loops: inout some SocketPost & ~Copyable
    ) -> Delivery {
        guard case .classic(let raw) = address else {
            return deliver(
                bytes.span.extracting(part), Span(), to: receiver, at: address, &loops)
        }
        loops.send(to: SocketID(raw: raw), part, of: bytes, tail: composer.tail.span)
        return .posted
    }

    @discardableResult
    func deliver(
        _ event: borrowing Event, of text: Span<UInt8> = Span(), to member: RoomMember,
        _ loop: inout some SocketOutput & ~Copyable
    ) -> Delivery {
        deliver(
            event, of: text, to: member.connection, at: member.address,
            ownID: member.peerID.quoted.span, &loop)
    }

    /// Tells a session what concerns it alone, or in the same words others.
    func deliver(
        _ event: borrowing Event, to session: V1Session, _ loop: inout some SocketOutput & ~Copyable
    ) {
        session.take(event.head.span, Span(), commons, &loop)
    }

    mutating func tell(
        _ event: consuming Event, to session: V1Session, _ loop: inout some SocketOutput & ~Copyable
    ) {
        deliver(event, to: session, &loop)
        composer.reuse(event)
    }

    /// Sends an event that bears no number in v1 either.
    mutating func tell(
        _ event: consuming Event, pastStreamTo socket: SocketID,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        loop.send(to: socket, head: event.head.span, body: Span(), tail: composer.tail.span)
        composer.reuse(event)
    }

    /// Tells those members who speak one dialect: v1 with the room's table locked, classic after it
    /// was, as the comment above `SharedRooms` has it. `joiner` is of whom they are told, if
    /// somebody joined.
    ///
    /// - Returns: Whether something is on its way to sockets of other loops.
    @discardableResult
    func announce(
        _ event: borrowing Event, of text: Span<UInt8> = Span(), to members: [RoomMember],
        speaking dialect: Dialect, joiner: PeerID? = nil,
        _ loop: inout some SocketOutput & ~Copyable
    ) -> Bool {
        var isPosted = false
        for member in members where member.dialect == dialect {
            if deliver(event, of: text, to: member, &loop) == .posted { isPosted = true }
            // Both stay, as with a classic one involved they do (docs/protocol.md §2), but a
            // connection that its own peer has left behind must not linger.
            if member.peerID == joiner, let socket = socket(of: member) {
                loop.probe(socket, secondsMax: Self.probeSecondsMax)
            }
        }
        return isPosted
    }

    func socket(of member: RoomMember) -> SocketID? {
        switch member.address {
        case .classic(let raw): SocketID(raw: raw)
        case .v1, .arriving, .landing: commons.sessions.session(member.connection)?.socket
        case .elsewhere, .nowhere: nil
        }
    }

    /// To which node what a loop has for a member goes over the bus; nil where it goes there
    /// directly.
    func homeOverBus(_ address: RoomMember.Address) -> Incarnation? {
        switch address {
        case .elsewhere(let home): Incarnation(raw: home)
        case .arriving: commons.line?.home
        case .landing: commons.line?.isBusy == true ? commons.line?.home : nil
        case .classic, .v1, .nowhere: nil
        }
    }
}
