internal import Cluster
internal import Identifiers
internal import Locking
internal import Sessions
internal import Signalling

/// Who hears what of the sessions waits for the next process.
struct Shelving {
    let whenDone: @Sendable (NodeShelf?, Shelf.Dropped) -> Void
    let dropped: Shelf.Dropped
}

/// Sessions that the process before has left.
struct ComingBack {
    let whenDone: @Sendable (Relay.PutBack) -> Void
    var left: Set<ConnectionID>
    var revoked: Set<ConnectionID> = []
    var result = Relay.PutBack()
}

// Sessions that wait for the next process of this node's name, and come from the one before.
extension ClusterHandler where Sockets: ~Copyable {
    // MARK: Going

    /// What has anything outstanding is left to end as ever: whoever resumed it would not know
    /// what has arrived.
    mutating func shelve(_ whenDone: @escaping @Sendable (NodeShelf?, Shelf.Dropped) -> Void) {
        guard node.mayShelve, shelving == nil else {
            return whenDone(nil, Shelf.Dropped())
        }
        var places: [ConnectionID: [RoomPlace]] = [:]
        let records = commons.sessions.all.compactMap { session in
            session.conversation.withLock { conversation -> SessionRecord? in
                let taken = takeOut(session, &conversation)
                places[session.connection] = taken?.places
                return taken?.record
            }
        }
        let limits = KeptBytes.limits(bytesMax: commons.configuration.detachedBytesMax)
        var shelf = Shelf(writtenAt: 0, records)
        let dropped = shelf.fit(bytesPerClient: limits.perClient, inAll: limits.inAll)
        shelving = Shelving(whenDone: whenDone, dropped: dropped)
        for connection in dropped.sessions {
            for place in places[connection] ?? [] {
                inputs.append(.leave(connection, place, .lost))
            }
            inputs.append(.sessionEnded(connection, .lost))
        }
        inputs.append(
            .shelve(
                shelf.sessions.map { .init($0, rooms: places[$0.connection] ?? []) }))
    }

    private mutating func takeOut(
        _ session: V1Session, _ conversation: inout Conversation
    ) -> (record: SessionRecord, places: [RoomPlace])? {
        let second = Int64(commons.ports.monotonicMilliseconds() / 1000)
        let rooms = commons.roomRecords(of: session.connection, conversation, at: second)
        let places = rooms.compactMap(\.place)
        guard conversation.outstanding.isEmpty, conversation.outstanding.resume == nil,
            !lines.isHeld(session.connection), !rooms.isEmpty,
            places.count == conversation.rooms.count,
            let (record, _) = takeOut(session, &conversation, rooms.map(\.record))
        else { return nil }
        return (record, places)
    }

    mutating func shelved(_ sessions: [HandOverState]) {
        guard let shelving else { return }
        self.shelving = nil
        let shelf = NodeShelf(
            writtenAt: commons.ports.now(), Incarnation(raw: line.home.raw), sessions,
            in: node.format)
        shelving.whenDone(sessions.isEmpty ? nil : shelf, shelving.dropped)
    }

    // MARK: Coming back

    mutating func putBack(
        _ shelf: NodeShelf?, _ whenDone: @escaping @Sendable (Relay.PutBack) -> Void
    ) {
        let sessions = shelf?.sessions ?? []
        comingBack = ComingBack(whenDone: whenDone, left: Set(sessions.map(\.record.connection)))
        inputs.append(.putBack(sessions, from: shelf?.home ?? Incarnation(raw: 0)))
        if sessions.isEmpty { endComingBack() }
    }

    mutating func cameBack(_ connection: ConnectionID, isHere: Bool) {
        guard comingBack?.left.remove(connection) != nil else { return }
        if comingBack?.revoked.contains(connection) == true {
            comingBack?.result.revoked += 1
        } else if isHere, commons.sessions.session(connection) != nil {
            comingBack?.result.count += 1
        } else {
            comingBack?.result.dropped += 1
        }
        if comingBack?.left.isEmpty == true { endComingBack() }
    }

    /// The others don't come any more.
    mutating func endComingBack() {
        guard let comingBack else { return }
        self.comingBack = nil
        var result = comingBack.result
        result.dropped += comingBack.left.count
        comingBack.whenDone(result)
    }
}
