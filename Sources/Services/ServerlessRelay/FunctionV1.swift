internal import Access
internal import Admission
internal import Bytes
internal import Identifiers
internal import Sessions
internal import Signalling
internal import Tokens

// What v1 clients say (docs/protocol.md §3).
extension ServerlessRelay {
    func receivedV1(
        _ text: [UInt8], _ session: SessionView, _ invoked: Invoked
    ) throws(StoreFault) {
        var reader = V1MessageReader()
        let envelope: V1Envelope
        do throws(MessageFault) {
            envelope = try reader.read(text.span)
        } catch {
            return try endUnreadable(session, invoked)
        }
        let said = Said(envelope: envelope, text: text, session: session)
        let refusal: SignalError?
        switch envelope.content {
        case .success(let message): refusal = try perform(message, said, invoked)
        case .failure(let error): refusal = error
        }
        guard let refusal else { return }
        try store.append(session, events: [said.error(refusal)], in: invoked)
    }

    /// A message that was read, and the answers to it.
    private struct Said {
        let envelope: V1Envelope
        let text: [UInt8]
        let session: SessionView

        /// Nil where none was asked for.
        var ack: KeptEvent? {
            guard let ack = envelope.ack else { return nil }
            var composer = EventComposer()
            return KeptEvent(composer.ack(ack, of: text.span))
        }

        func error(_ error: SignalError) -> KeptEvent {
            var composer = EventComposer()
            return KeptEvent(
                composer.error(
                    error, envelope.complaint, action: envelope.action, ack: envelope.ack,
                    of: text.span))
        }

        func delivered(_ payload: PayloadLayout) -> KeptEvent {
            var composer = EventComposer()
            let event = composer.delivered(payload, of: text.span, from: session.connection)
            return KeptEvent(event, of: text.span)
        }
    }

    /// Carries a message out, and acknowledges it with the same write.
    ///
    /// - Returns: Why it was refused, which has no effect.
    private func perform(
        _ message: V1Message, _ said: Said, _ invoked: Invoked
    ) throws(StoreFault) -> SignalError? {
        let session = said.session
        switch message {
        case .sendPayload(let payload):
            return try store.send(
                session, to: payload.target, event: said.delivered(payload.payload), ack: said.ack,
                in: invoked)
        case .broadcast(let broadcast):
            return try store.broadcast(
                session, room: broadcast.room, event: said.delivered(broadcast.payload),
                ack: said.ack, in: invoked)
        case .joinRoom(let join):
            return try self.join(join, said.text, session, ack: said.ack, invoked)
        case .leaveRoom(let room):
            try store.leave(session, rooms: [room], reason: .left, ack: said.ack, in: invoked)
            return nil
        case .refreshToken(let token): return try refresh(token, said, invoked)
        case .resume(let resume): return try self.resume(resume, said, invoked)
        case .ping:
            var composer = EventComposer()
            let pong = KeptEvent(composer.pong())
            try store.append(session, events: [pong] + (said.ack.map { [$0] } ?? []), in: invoked)
            return nil
        }
    }

    /// A session token will not do: it is for cookies, and this is no handshake.
    private func refresh(
        _ token: String, _ said: Said, _ invoked: Invoked
    ) throws(StoreFault) -> SignalError? {
        let session = said.session
        let claims: TokenClaims
        do throws(TokenRefused) {
            claims = try verify(token, [.access, .legacy], ports.now())
        } catch {
            guard error == .keysUnavailable else { return .invalidToken }
            // Not the token's fault: it may be shown again.
            throw .unavailable(error.code)
        }
        guard claims.has(scope: "signal") else { return .invalidToken }
        let grant = TokenGrant(claims)
        guard Self.isSamePeer(grant.token, session.grant.token), try !store.isRevoked(grant.token)
        else {
            return .invalidToken
        }
        try store.refresh(session, grant: grant, ack: said.ack, in: invoked)
        watch(session.connection, grant)
        return nil
    }

    private static func isSamePeer(_ one: RevocableToken, _ other: RevocableToken) -> Bool {
        one.clientID == other.clientID && one.subject == other.subject
    }

    /// Good only as the first message of a connection. The secret names the session.
    private func resume(
        _ resume: Resume, _ said: Said, _ invoked: Invoked
    ) throws(StoreFault) -> SignalError? {
        let session = said.session
        guard session.isFresh else { return .badRequest }
        guard let secret = resume.secret, let old = secret.connection, old != session.connection
        else { return .resumeFailed }
        let new = SessionSecret(bits: randomBits(), of: old)
        // The secret that the client showed is spent by it: should we be killed before we say so,
        // somebody else has to.
        let left = max(0, invoked.deadline - ports.milliseconds())
        _ = timers.after(Int(left / 1000) + 2, Store.lapseBody(old))
        let isDone = try store.resume(
            session, old: old, secret: digest(secret), after: resume.seq, newSecret: new,
            digest: digest(new), ack: said.ack, in: invoked)
        guard isDone else { return .resumeFailed }
        watch(old, session.grant)
        return nil
    }
}
