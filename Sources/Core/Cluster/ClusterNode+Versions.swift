import Identifiers
import Rooms
import Signalling

/// How versions of rooms go from node to node, and what their joiners want the others to be told.
extension ClusterNode {
    mutating func announce(
        _ digest: RoomDigest, _ document: RoomDocument, _ revision: Revision,
        to others: Set<Incarnation>, _ effects: inout [Effect]
    ) {
        let sdps = (rooms[digest]?.sdps ?? [:]).filter { document.seats[$0.key] != nil }
            .sorted { $0.key < $1.key }.map { JoinerSDP($0.key, $0.value) }
        let mail = ClusterMail.document(digest, revision, document.encoded, sdps: sdps)
        for other in others.sorted() {
            keys.met(other)
            push(mail, to: other)
        }
    }

    mutating func announced(
        _ digest: RoomDigest, _ revision: Revision, _ bytes: [UInt8], _ sdps: [JoinerSDP],
        by other: Incarnation, _ effects: inout [Effect]
    ) {
        guard let document = try? RoomDocument(bytes) else { return }
        let place = RoomPlace(digest: digest, clientID: document.clientID, name: document.name)
        // A ghost of this node's has to be taken out by it, as nobody else knows that it is one.
        if rooms[digest] == nil, document.epoch == epoch,
            document.seats.values.contains(where: { $0.home == incarnation })
        {
            open(place, &effects)
        }
        guard let room = rooms[digest] else {
            push(.seen(digest, revision, document.epoch), to: other)
            return
        }
        guard room.place == place else { return }
        for joiner in sdps where room.writer.room.member(joiner.connection) == nil {
            rooms[digest]?.heardSDPs[joiner.connection] = joiner.sdp
        }
        take(digest, document, revision, .announcement(from: other), &effects)
        // Not before: what is told with this version would be forgotten with the older ones.
        let heard = Set(sdps.map(\.connection))
        resolve(digest, &effects) { missing, _ in
            missing = missing.filter { !heard.contains($0.key) }
        }
    }

    /// What was read from the store.
    mutating func found(
        _ digest: RoomDigest, _ document: RoomDocument, _ revision: Revision, _ request: UInt64,
        _ effects: inout [Effect]
    ) {
        guard let epoch = rooms[digest]?.writer.epoch else { return }
        // Of a bucket that this node is yet to be told of.
        if document.epoch.nonce > epoch.nonce { return failed(digest, request, &effects) }
        let counted = document.counted(in: epoch)
        take(digest, counted, revision, .read(request: request), &effects)
    }

    /// Gives a version to the room's writer, or keeps it until it is known what is to be told.
    private mutating func take(
        _ digest: RoomDigest, _ document: RoomDocument, _ revision: Revision,
        _ source: ClusterRoom.Parked.Source, _ effects: inout [Effect]
    ) {
        if document.epoch == epoch {
            for seat in document.seats.values { keys.met(seat.home) }
        }
        let missing = missingSDPs(digest, document, revision)
        guard !missing.isEmpty else { return give(digest, document, revision, source, &effects) }
        for (connection, home) in missing.sorted(by: { $0.key < $1.key }) {
            push(.askSDP(digest, connection), to: home)
        }
        rooms[digest]?.parked.append(
            ClusterRoom.Parked(
                document: document, revision: revision, source: source, missing: missing,
                due: now + timing.sdpWait))
        parkedRooms.insert(digest)
    }

    /// Joiners elsewhere of whom nobody here was told yet, and whose homes have something to say.
    private func missingSDPs(
        _ digest: RoomDigest, _ document: RoomDocument, _ revision: Revision
    ) -> [ConnectionID: Incarnation] {
        guard let room = rooms[digest], room.writer.concernsAnybody,
            revision > room.writer.revision, document.epoch == room.writer.epoch
        else { return [:] }
        var missing: [ConnectionID: Incarnation] = [:]
        for (connection, seat) in document.seats
        where seat.hasSDP && seat.home != incarnation && room.heardSDPs[connection] == nil
            && room.writer.room.member(connection) == nil && !keys.gone.contains(seat.home)
        {
            missing[connection] = seat.home
        }
        return missing
    }

    private mutating func give(
        _ digest: RoomDigest, _ document: RoomDocument, _ revision: Revision,
        _ source: ClusterRoom.Parked.Source, _ effects: inout [Effect]
    ) {
        switch source {
        case .announcement(let other):
            drive(digest, .announced(document, revision), &effects)
            push(.seen(digest, revision, document.epoch), to: other)
        case .read(let request):
            drive(digest, .read(document, revision, request: request), &effects)
        }
    }

    // MARK: What is kept back

    mutating func heardSDP(
        _ digest: RoomDigest, _ connection: ConnectionID, _ sdp: [UInt8]?,
        _ effects: inout [Effect]
    ) {
        guard let room = rooms[digest],
            room.parked.contains(where: { $0.missing[connection] != nil })
        else { return }
        rooms[digest]?.heardSDPs[connection] = .some(sdp)
        resolve(digest, &effects) { missing, _ in missing[connection] = nil }
    }

    mutating func homeDied(
        _ home: Incarnation, _ digest: RoomDigest, _ effects: inout [Effect]
    ) {
        resolve(digest, &effects) { missing, _ in missing = missing.filter { $0.value != home } }
    }

    mutating func giveUpWaiting(_ digest: RoomDigest, _ effects: inout [Effect]) {
        resolve(digest, &effects) { [now] missing, due in if due <= now { missing = [:] } }
    }

    /// Versions of which nothing is missing any more go on.
    private mutating func resolve(
        _ digest: RoomDigest, _ effects: inout [Effect],
        _ mend: (inout [ConnectionID: Incarnation], Int64) -> Void
    ) {
        guard var parked = rooms[digest]?.parked else { return }
        for index in parked.indices { mend(&parked[index].missing, parked[index].due) }
        rooms[digest]?.parked = parked
        // One by one: what is known for those behind is not to be forgotten.
        while let index = rooms[digest]?.parked.firstIndex(where: \.missing.isEmpty),
            let version = rooms[digest]?.parked.remove(at: index)
        {
            if rooms[digest]?.parked.isEmpty == true { parkedRooms.remove(digest) }
            give(digest, version.document, version.revision, version.source, &effects)
        }
    }

    /// Of a bucket that is gone.
    mutating func unpark(_ digest: RoomDigest) {
        rooms[digest]?.parked = []
        parkedRooms.remove(digest)
    }

    /// What was told is not to be told again.
    mutating func forgetSDPs(_ digest: RoomDigest) {
        guard let room = rooms[digest], !room.heardSDPs.isEmpty else { return }
        rooms[digest]?.heardSDPs = room.heardSDPs.filter { connection, _ in
            room.writer.room.member(connection) == nil
                && (room.writer.knows(connection)
                    || room.parked.contains { $0.document.seats[connection] != nil })
        }
    }
}
