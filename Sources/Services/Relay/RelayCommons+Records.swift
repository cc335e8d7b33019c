internal import Access
internal import Admission
internal import Cluster
internal import Identifiers
internal import Locking
internal import Rooms
internal import Sessions
internal import Signalling
internal import Tokens

// What of a session goes to another process, and is one there again.
extension RelayCommons {
    /// The rooms of a session; `second` is on the loops' clock, as everywhere here.
    func roomRecords(
        of connection: ConnectionID, _ conversation: Conversation, at second: Int64
    ) -> [(record: SessionRecord.Room, place: RoomPlace?)] {
        conversation.rooms.compactMap { joined in
            guard let member = rooms.member(connection, joined.membership) else { return nil }
            let record = SessionRecord.Room(
                room: joined.key.room, peerID: member.peerID, name: member.name,
                order: member.order,
                age: UInt32(truncatingIfNeeded: second) &- member.joinedAt)
            return (record, joined.place)
        }
    }

    func record(
        _ session: V1Session, _ conversation: Conversation, _ rooms: [SessionRecord.Room],
        _ history: EventHistory, _ place: ConnectionPlace, at second: Int64
    ) -> SessionRecord {
        let grant = conversation.grant
        return SessionRecord(
            connection: session.connection, clientID: session.clientID,
            subject: session.subject, address: place.addressText, secret: conversation.secret,
            token: .init(
                id: grant.token.tokenID, issuedAt: grant.token.issuedAt,
                expiresAt: grant.expiresAt, rooms: grant.rooms.map(\.text), name: grant.name,
                secretDigest: grant.token.legacySecretDigest ?? []),
            rooms: rooms, history, at: second)
    }

    /// Makes a session of a record, whose client may come until that second. `enter` takes it into
    /// its rooms again, and `stage` is where its way here has come to.
    func putBack(
        _ record: SessionRecord, until second: Int64, _ stage: Outstanding.Stage = .home,
        enter: (SessionRecord.Room, Subject?) -> Conversation.JoinedRoom?
    ) -> V1Session {
        let milliseconds = ports.monotonicMilliseconds()
        let grant = TokenGrant(
            token: RevocableToken(
                tokenID: record.token.id, subject: record.subject, clientID: record.clientID,
                issuedAt: record.token.issuedAt,
                legacySecretDigest: record.token.secretDigest.isEmpty
                    ? nil : record.token.secretDigest),
            expiresAt: record.token.expiresAt,
            rooms: record.token.rooms.compactMap { try? RoomPattern($0) },
            name: record.token.name)
        var conversation = Conversation(
            grant, record.secret, noticeSeconds: configuration.tokenExpiringSeconds,
            now: ports.now(), milliseconds: milliseconds)
        conversation.outstanding.stage = stage
        conversation.rooms = record.rooms.compactMap { enter($0, grant.namedSubject) }
        let session = V1Session(
            connection: record.connection, conversation,
            EventStream(
                Session(
                    away: second,
                    record.history(limits: configuration.historyLimits, at: milliseconds / 1000),
                    outboundBytesMax: configuration.outboundBytesMax),
                owner: KeptBytes.Owner(
                    connection: record.connection, client: record.clientID,
                    subject: record.subject)))
        sessions.add(session, secret: record.secret)
        yield(session.stream.withLock { $0.countAway(self) })
        ledger.putBack(ConnectionPlace(of: grant, address: record.address), record.connection)
        return session
    }
}
