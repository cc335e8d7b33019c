internal import Access
internal import Admission
internal import Bytes
internal import Cluster
internal import Identifiers
internal import Locking
internal import Rooms
package import Sessions
internal import Signalling
internal import Tokens
internal import WebSocket

// Sessions outlive an orderly restart: the process that stops leaves them on a shelf, the next one
// puts them back before it admits anybody (docs/protocol.md §3).
extension Relay {
    /// What a stop leaves for the next process.
    package struct Shelved: Equatable, Sendable {
        package let bytes: [UInt8]
        /// How many sessions are in it.
        package let count: Int
        /// What a budget has cost.
        package let dropped: Shelf.Dropped
    }

    /// What became of a shelf.
    package struct PutBack: Equatable, Sendable {
        /// Sessions that can be resumed.
        package var count = 0
        /// Their tokens or clients were revoked, disabled or removed meanwhile.
        package var revoked = 0
        /// There was no room for what they keep.
        package var dropped = 0

        package init(count: Int = 0, revoked: Int = 0, dropped: Int = 0) {
            self.count = count
            self.revoked = revoked
            self.dropped = dropped
        }
    }

    /// All sessions whose clients may come back; told nil where there are none. To be called when
    /// the loops have ended: every client is away then, and all that was to be told has been.
    ///
    /// A node of a cluster keeps none while another lives, which would wait for it. `whenDone`
    /// hears of it on the bus' thread, unless the process ends before; and what it is told is to
    /// lie where the next process finds it before `farewell`.
    package func shelve(whenDone: @escaping @Sendable (Shelved?) -> Void) {
        guard let line = commons.line else { return whenDone(shelve()) }
        let sha256 = commons.ports.sha256
        line.tell(
            .shelve { shelf, dropped in
                whenDone(
                    shelf.map { shelf in
                        Shelved(
                            bytes: shelf.encoded(sha256: sha256), count: shelf.sessions.count,
                            dropped: dropped)
                    })
            })
        line.knock()
    }

    /// Ends all sessions that are left, when the loops have ended.
    package func endSessions() {
        let second = commons.ports.monotonicMilliseconds() / 1000
        _ = end(commons.sessions.all.map(\.connection), by: .end(.lost), at: second)
    }

    private func shelve() -> Shelved? {
        let second = commons.ports.monotonicMilliseconds() / 1000
        let away = commons.ledger.awaySessions
        let limits = KeptBytes.limits(bytesMax: commons.configuration.detachedBytesMax)
        var dropped = Shelf.Dropped()
        while true {
            // Who is told that others have ended may be doomed by that.
            while end(away.map(\.session), by: .tick(.min), at: second) {}
            var shelf = Shelf(
                writtenAt: commons.ports.now(),
                away.compactMap { record($0.session, $0.place, at: second) })
            let lost = shelf.fit(bytesPerClient: limits.perClient, inAll: limits.inAll)
            dropped.events = lost.events
            dropped.sessions += lost.sessions
            guard !lost.sessions.isEmpty else {
                guard !shelf.sessions.isEmpty else { return nil }
                return Shelved(
                    bytes: shelf.encoded(sha256: commons.ports.sha256), count: shelf.sessions.count,
                    dropped: dropped)
            }
            // Their rooms are told, which others then have on the shelf.
            _ = end(lost.sessions, by: .endAway(.lost), at: second)
        }
    }

    /// - Returns: Whether any ended.
    private func end(
        _ sessions: [ConnectionID], by input: Session.Input, at second: Int64
    ) -> Bool {
        var hasEnded = false
        var handler = RelayHandler(commons)
        var nowhere = NoSockets(monotonicSeconds: second)
        for session in sessions.compactMap(commons.sessions.session) {
            let effects = session.conversation.withLock { conversation in
                handler.handle(input, session, &conversation, &nowhere)
            }
            hasEnded = hasEnded || effects.finished != nil
        }
        return hasEnded
    }

    private func record(
        _ connection: ConnectionID, _ place: ConnectionPlace, at second: Int64
    ) -> SessionRecord? {
        guard let session = commons.sessions.session(connection) else { return nil }
        return session.conversation.withLock { conversation -> SessionRecord? in
            let away = session.stream.withLock { $0.session.isAway ? $0.session.history : nil }
            guard let away else { return nil }
            let rooms = commons.roomRecords(of: connection, conversation, at: second)
            return commons.record(
                session, conversation, rooms.map(\.record), away, place, at: second)
        }
    }

    /// Puts all sessions of a shelf back, each away with its full time to come back in. To be
    /// called before anybody is admitted, and by a node of a cluster once it is a member: also
    /// without a shelf, for until then it takes nothing away that may have been left. `whenDone`
    /// hears what became of it: of a node on the bus' thread, as the store has to be asked.
    ///
    /// - Throws: Why the shelf is of no use; then it is as if there were none.
    package func putBack(
        _ bytes: [UInt8]?, whenDone: @escaping @Sendable (PutBack) -> Void
    ) throws(ShelfFault) {
        guard let line = commons.line else {
            if let bytes { whenDone(try putBack(bytes)) }
            return
        }
        let graceSeconds = UInt32(clamping: commons.configuration.resumeGraceSeconds)
        var shelf: NodeShelf?
        defer {
            line.tell(.putBack(graceSeconds > 0 ? shelf : nil, whenDone: whenDone))
            line.knock()
        }
        guard let bytes else { return }
        shelf = try NodeShelf(
            bytes, upTo: line.reads, at: commons.ports.now(), graceSeconds: graceSeconds,
            sha256: commons.ports.sha256)
    }

    private func putBack(_ bytes: [UInt8]) throws(ShelfFault) -> PutBack {
        let shelf = try Shelf(bytes, at: commons.ports.now(), sha256: commons.ports.sha256)
        var result = PutBack()
        guard commons.configuration.resumeGraceSeconds > 0 else { return result }
        let sessions = shelf.sessions.filter { commons.sessions.session($0.connection) == nil }
            .map { putBack($0) }
        // First, so that a revocation that comes meanwhile finds them too.
        commons.leave(orphans: sessions)
        var handler = RelayHandler(commons)
        var nowhere = NoSockets(monotonicSeconds: commons.ports.monotonicMilliseconds() / 1000)
        for session in sessions {
            session.conversation.withLock { conversation in
                if !commons.allows(conversation.grant.token) {
                    result.revoked += 1
                    handler.handle(.endAway(.kicked), session, &conversation, &nowhere)
                } else if session.stream.withLock({ $0.session.isAway }) {
                    result.count += 1
                } else {
                    result.dropped += 1
                }
            }
        }
        return result
    }

    private func putBack(_ record: SessionRecord) -> V1Session {
        let second = commons.ports.monotonicMilliseconds() / 1000
        let until = second + Int64(commons.configuration.resumeGraceSeconds)
        return commons.putBack(record, until: until) { room, subject in
            let key = commons.key(clientID: record.clientID, room: room.room)
            let member = RoomMember(
                connection: record.connection, route: .v1(subject: subject),
                peerID: room.peerID, name: room.name,
                joinedAt: UInt32(truncatingIfNeeded: second) &- room.age, order: room.order,
                isUnclaimed: true)
            return .init(key: key, membership: commons.rooms.putBack(member, key))
        }
    }
}

/// Before anybody is admitted there is nobody to send to.
private struct NoSockets: SocketOutput {
    let index = 0
    let monotonicSeconds: Int64

    func send(
        to socket: SocketID, head: Span<UInt8>, body: Span<UInt8>, tail: Span<UInt8>
    ) {}
    func close(_ socket: SocketID, _ code: CloseCode, reason: StaticString) {}
    func probe(_ socket: SocketID, secondsMax: Int) {}
    func nudge(_ socket: SocketID) {}
    func hold(_ socket: SocketID) {}
    func release(_ socket: SocketID) {}
    func postNow() {}
    func move<Admission: Sendable>(
        _ socket: SocketID, toAffinity affinity: Int, _ admission: Admission,
        redeliver text: Span<UInt8>
    ) -> Bool { false }
}
