internal import Access
internal import Admission
internal import Bytes
internal import Signalling
internal import StrictJSON

// What time alone brings about: the ends of tokens, and of places that are kept. Where there is no
// queue for it, the next event of the connection does it, or of its room.
extension ServerlessRelay {
    /// What the queue hands back.
    private enum Wake {
        static let connection: ByteText = "connection"
        /// The end of the token for which this is; another one has another timer.
        static let expiresAt: ByteText = "expiresAt"
    }

    /// Wakes the function for the end of a session's token.
    func watch(_ connection: ConnectionID, _ grant: TokenGrant) {
        let notice = noticeAt(grant)
        let now = ports.now()
        wake(connection, grant, at: now < notice ? notice : grant.expiresAt)
    }

    private func wake(_ connection: ConnectionID, _ grant: TokenGrant, at second: Int64) {
        let wait = min(max(0, second - ports.now()), Int64(TimerPort.secondsMax))
        let body: JSONValue = [
            Wake.connection: .string(connection.text),
            Wake.expiresAt: .number(JSONNumber(grant.expiresAt)),
        ]
        _ = timers.after(Int(wait), body.serialized())
    }

    /// When the client is told that its token ends (PROTOCOL §3).
    private func noticeAt(_ grant: TokenGrant) -> Int64 {
        let life = max(0, grant.expiresAt - grant.token.issuedAt)
        return grant.expiresAt - min(Int64(configuration.tokenExpiringSeconds), life / 2)
    }

    /// Whether a v1 session's token has not ended. Its client is told shortly before, once, and its
    /// connection is closed then. A classic one stays open.
    func isTimely(_ session: SessionView, _ invoked: Invoked) throws(StoreFault) -> Bool {
        guard session.dialect == .v1 else { return true }
        let now = ports.now()
        let grant = session.grant
        guard now < grant.expiresAt else {
            try end(session, nil, 4401, "the token expired", invoked)
            return false
        }
        if now >= noticeAt(grant) {
            var composer = EventComposer()
            let event = KeptEvent(composer.tokenExpiring(expiresAt: grant.expiresAt))
            try store.append(session, events: [event], in: invoked)
        }
        return true
    }

    /// Whether a timer need not come again. One of a session that is over has nothing to do.
    func isDone(_ timer: FunctionEvent.Timer, _ invoked: Invoked) -> Bool {
        guard let body = (try? JSONValue.parse(timer.body))?.object,
            let text = body[Wake.connection]?.string, let connection = ConnectionID(text)
        else {
            ports.log("timer_unknown", [])
            return true
        }
        do throws(StoreFault) {
            try store.lapse(connection, in: invoked)
            guard let expiresAt = body[Wake.expiresAt]?.int64,
                let session = try store.find(connection), session.gateway != nil,
                session.grant.expiresAt == expiresAt, try mayStay(session, invoked)
            else { return true }
            watch(connection, session.grant)
            return true
        } catch {
            note("timer_failed", error)
            return false
        }
    }
}
