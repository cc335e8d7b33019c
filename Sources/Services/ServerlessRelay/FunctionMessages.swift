internal import Access
internal import Admission
internal import Bytes
internal import Signalling
internal import Tokens

// What every message meets, whichever dialect it is in, and the classic one (docs/protocol.md §2).
extension ServerlessRelay {
    /// A message of a connection whose session is elsewhere by now, or over, does nothing.
    func received(
        _ body: FunctionEvent.Body, from gateway: ByteText, _ invoked: Invoked
    ) throws(StoreFault) {
        guard let session = try store.find(gateway: gateway) else { return }
        do throws(StoreFault) {
            guard try mayStay(session, invoked) else { return }
            switch body {
            case .binary:
                try end(session, .closed, 1003, "only text is spoken", invoked)
            case .text(let text) where text.count > configuration.maxMessageBytes:
                try end(session, .closed, 1009, "the message is too long", invoked)
            case .text(let text):
                switch session.dialect {
                case .classic: try receivedClassic(text, session, invoked)
                case .v1: try receivedV1(text, session, invoked)
                }
            }
        } catch {
            // What came of it, its sender can't tell: it comes back, and is told what did.
            let reason: LeaveReason? = session.dialect == .classic ? .lost : nil
            try? end(session, reason, 1013, "the service is busy", invoked)
            throw error
        }
    }

    func end(
        _ session: SessionView, _ reason: LeaveReason?, _ code: Int, _ text: StaticString,
        _ invoked: Invoked
    ) throws(StoreFault) {
        try store.end(session, reason: reason, code: code, text: text, in: invoked)
    }

    /// Whether a session's token is good still; if not, its connection is closed.
    func mayStay(_ session: SessionView, _ invoked: Invoked) throws(StoreFault) -> Bool {
        guard try !store.isRevoked(session.grant.token) else {
            try end(session, .kicked, 4501, "the token or its client was revoked", invoked)
            return false
        }
        store.noteGood(session.connection)
        return try isTimely(session, invoked)
    }

    private func receivedClassic(
        _ text: [UInt8], _ session: SessionView, _ invoked: Invoked
    ) throws(StoreFault) {
        var reader = MessageReader()
        let message: ClientMessage
        do throws(MessageFault) {
            message = try reader.read(text.span)
        } catch {
            guard error == .notAnObject else { return }  // No error event is known in classic.
            return try endUnreadable(session, invoked)
        }
        switch message {
        case .sendPayload(let payload):
            var composer = EventComposer()
            let event = composer.delivered(payload.payload, of: text.span, from: session.connection)
            _ = try store.send(
                session, to: payload.target, event: KeptEvent(event, of: text.span), ack: nil,
                in: invoked)
        case .joinRoom(let join): _ = try self.join(join, text, session, ack: nil, invoked)
        }
    }

    func endUnreadable(_ session: SessionView, _ invoked: Invoked) throws(StoreFault) {
        try end(session, .closed, 1007, "a message is one JSON object", invoked)
    }

    /// - Returns: Why it may not.
    func join(
        _ join: JoinRoom, _ text: [UInt8], _ session: SessionView, ack: KeptEvent?,
        _ invoked: Invoked
    ) throws(StoreFault) -> SignalError? {
        guard session.grant.covers(room: join.room) else { return .roomForbidden }
        return try store.join(
            session, room: join.room, peerID: join.peerID ?? PeerID(session.connection),
            name: session.grant.name ?? join.name, sdp: join.sdp.map { Array(text[$0]) },
            ack: ack, in: invoked)
    }
}
