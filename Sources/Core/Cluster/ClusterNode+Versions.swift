import Identifiers
import Rooms
import Signalling

/// How versions of rooms go from node to node, and what their joiners want the others to be told.
extension ClusterNode {
    mutating func announce(
        _ digest: RoomDigest, _ document: RoomDocument, _ revision: Revision,
        to others: Set<Incarnation>, _ effects: inout [Effect]
    ) {
        let bytes = document.encoded(in: keys.format)
        let joiners = (rooms[digest]?.sdps ?? [:]).keys.filter { document.seats[$0] != nil }
            .sorted()
        for other in others.sorted() {
            keys.met(other)
            sayMore(to: other)
            var sdps: [JoinerSDP] = []
            for joiner in joiners {
                guard rooms[digest]?.sdps[joiner]?.sentTo.insert(other).inserted == true,
                    let sdp = rooms[digest]?.sdps[joiner]?.bytes
                else { continue }
                sdps.append(JoinerSDP(joiner, sdp))
            }
            offer(digest, revision, bytes, sdps: sdps, of: document, to: other)
        }
    }

    mutating func announced(
        _ digest: RoomDigest, _ revision: Revision, _ bytes: [UInt8], _ sdps: [JoinerSDP],
        by other: Incarnation, _ effects: inout [Effect]
    ) {
        guard let document = try? RoomDocument(bytes, upTo: configuration.reads) else {
            tally.unreadable += 1
            return
        }
        let place = RoomPlace(digest: digest, clientID: document.clientID, name: document.name)
        rouse(digest)
        // A ghost of this node's has to be taken out by it, as nobody else knows that it is one.
        if !rooms.contains(digest), document.epoch == epoch,
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
    mutating func take(
        _ digest: RoomDigest, _ document: RoomDocument, _ revision: Revision,
        _ source: ClusterRoom.Parked.Source, _ effects: inout [Effect]
    ) {
        if document.epoch == epoch {
            for seat in document.seats.values { keys.met(seat.home) }
        }
        let missing = missingSDPs(digest, document, revision)
        let strangers = strangers(digest, document, revision)
        guard !missing.isEmpty || !strangers.isEmpty else {
            return give(digest, document, revision, source, &effects)
        }
        for stranger in strangers.sorted() { keys.met(stranger) }
        for (connection, home) in missing.sorted(by: { $0.key < $1.key }) {
            push(.askSDP(digest, connection), to: home)
        }
        rooms[digest]?.parked.append(
            ClusterRoom.Parked(
                document: document, revision: revision, source: source, missing: missing,
                strangers: strangers, due: now + timing.sdpWait))
        parkedRooms.insert(digest)
    }

    /// Joiners elsewhere of whom nobody here was told yet, and whose homes have something to say.
    private func missingSDPs(
        _ digest: RoomDigest, _ document: RoomDocument, _ revision: Revision
    ) -> [ConnectionID: Incarnation] {
        guard let room = rooms[digest], let since = room.writer.listens(from: document),
            revision > room.writer.revision, document.epoch == room.writer.epoch
        else { return [:] }
        var missing: [ConnectionID: Incarnation] = [:]
        // Whoever joins is told nothing of the kind of those who are there.
        for member in document.room.members where member.order > since {
            let connection = member.connection
            guard let seat = document.seats[connection], seat.hasSDP, seat.home != incarnation,
                room.heardSDPs[connection] == nil,
                room.writer.room.member(connection) == nil, !keys.gone.contains(seat.home)
            else { continue }
            missing[connection] = seat.home
        }
        return missing
    }

    /// Homes that are neither known to be alive nor to be dead. A node writes no document without
    /// having a key: so the watch is about to tell of it, or it died so long ago that its key is
    /// gone, and what it left is to be told to nobody.
    private func strangers(
        _ digest: RoomDigest, _ document: RoomDocument, _ revision: Revision
    ) -> Set<Incarnation> {
        guard let room = rooms[digest], room.writer.concernsAnybody,
            revision > room.writer.revision, document.epoch == room.writer.epoch
        else { return [] }
        return Set(document.seats.values.map(\.home).filter { keys.isStranger($0) })
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
        let strangers = rooms[digest]?.parked.flatMap(\.strangers) ?? []
        for stranger in strangers { keys.met(stranger) }
        resolve(digest, &effects) { [now] missing, due in if due <= now { missing = [:] } }
    }

    /// What is known of other nodes has changed.
    mutating func lookAgain(_ digest: RoomDigest, _ effects: inout [Effect]) {
        resolve(digest, &effects) { _, _ in }
    }

    /// Versions of which nothing is missing any more go on.
    private mutating func resolve(
        _ digest: RoomDigest, _ effects: inout [Effect],
        _ mend: (inout [ConnectionID: Incarnation], Int64) -> Void
    ) {
        guard var parked = rooms[digest]?.parked else { return }
        for index in parked.indices {
            mend(&parked[index].missing, parked[index].due)
            parked[index].strangers = parked[index].strangers.filter { keys.isStranger($0) }
        }
        rooms[digest]?.parked = parked
        // One by one: what is known for those behind is not to be forgotten.
        while let index = rooms[digest]?.parked.firstIndex(where: \.isReady),
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
