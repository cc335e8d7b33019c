internal import Access
internal import Admission
internal import Bytes
internal import Signalling
internal import StrictJSON

// What time alone brings about: the ends of tokens, and of places that are kept. Where there is no
// queue for it, the next event of the connection does it, or of its room.
extension ServerlessRelay {
    /// What the queue hands back for the end of a token. `expiresAt` names it: another one has
    /// another timer.
    private struct Wake {
        static let connectionName: ByteText = "token"
        static let expiresName: ByteText = "expiresAt"

        let connection: ConnectionID
        let expiresAt: Int64

        init(_ connection: ConnectionID, _ expiresAt: Int64) {
            self.connection = connection
            self.expiresAt = expiresAt
        }

        init?(_ body: [UInt8]) {
            guard let object = (try? JSONValue.parse(body))?.object,
                let connection = object[Self.connectionName]?.string.flatMap({ ConnectionID($0) }),
                let expiresAt = object[Self.expiresName]?.int64
            else { return nil }
            self.init(connection, expiresAt)
        }

        var body: [UInt8] {
            let object: JSONValue = [
                Self.connectionName: .string(connection.text),
                Self.expiresName: .number(JSONNumber(expiresAt)),
            ]
            return object.serialized()
        }
    }

    /// Wakes the function for the end of a session's token.
    func watch(_ connection: ConnectionID, _ grant: TokenGrant) {
        let notice = noticeAt(grant)
        let now = ports.now()
        wake(connection, grant, at: now < notice ? notice : grant.expiresAt)
    }

    private func wake(_ connection: ConnectionID, _ grant: TokenGrant, at second: Int64) {
        let wait = min(max(0, second - ports.now()), Int64(TimerPort.secondsMax))
        _ = timers.after(Int(wait), Wake(connection, grant.expiresAt).body)
    }

    /// When the client is told that its token ends (docs/protocol.md §3).
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
            try store.append(
                session, events: [event], noticed: grant.expiresAt, in: invoked)
        }
        return true
    }

    /// Whether a timer need not come again. One of a session that is over has nothing to do.
    func isDone(_ timer: FunctionEvent.Timer, _ invoked: Invoked) -> Bool {
        do throws(StoreFault) {
            if let connection = Store.lapsing(timer.body) {
                try store.lapse(connection, in: invoked)
            } else if let wake = Wake(timer.body) {
                try checkToken(wake, invoked)
            } else {
                ports.log("timer_unknown", [])
            }
            return true
        } catch {
            note("timer_failed", error)
            return false
        }
    }

    private func checkToken(_ wake: Wake, _ invoked: Invoked) throws(StoreFault) {
        guard let session = try store.find(wake.connection), session.gateway != nil,
            session.grant.expiresAt == wake.expiresAt, try mayStay(session, invoked)
        else { return }
        watch(wake.connection, session.grant)
    }
}
