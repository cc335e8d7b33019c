import Signalling

/// A slow walk over all rooms in the store, by the least of the nodes that live: what nodes that
/// died or stopped have left there is taken away, where nobody came who would have met it.
struct RoomSweep: Sendable {
    /// How far it has come.
    var behind = Revision.absent
    var isAsking = false
    var nextAt: Int64 = 0
}

extension ClusterNode {
    /// What is to be purged is found again when it is not noted down now.
    private static let purgesMax = 10_000

    mutating func goOnSweeping(_ effects: inout [Effect]) {
        guard now >= sweep.nextAt, !sweep.isAsking, standing == .member, keys.isOpen, mayAsk,
            !awaitsShelf,
            keys.living.allSatisfy({ incarnation < $0 })
        else { return }
        sweep.isAsking = true
        effects.append(.next(after: sweep.behind, request: ask(.sweep)))
    }

    mutating func swept(_ answer: StoreAnswer, _ effects: inout [Effect]) {
        sweep.isAsking = false
        switch answer {
        case .next(let room, let bytes, let revision):
            // Never a standstill, whatever the store says.
            guard revision > sweep.behind else { return endSweep() }
            sweep.behind = revision
            // A megabyte each second at most.
            sweep.nextAt = now + max(timing.sweepEvery, Int64(bytes.count / 1000))
            if let room { look(at: room, bytes, revision, &effects) }
        case .found: endSweep()
        case .accepted, .conflict, .unknown, .unreadable: sweep.nextAt = now + timing.retryAfter
        }
    }

    private mutating func endSweep() {
        sweep.behind = .absent
        sweep.nextAt = now + timing.sweepRest
    }

    private mutating func look(
        at digest: RoomDigest, _ bytes: [UInt8], _ revision: Revision, _ effects: inout [Effect]
    ) {
        // Whoever has members there, or work, sees to it.
        guard let epoch, !rooms.contains(digest), !isShelved else { return }
        let document: RoomDocument
        do throws(DocumentFault) {
            document = try RoomDocument(bytes, upTo: configuration.reads)
        } catch {
            tally.unreadable += 1
            if error != .unknownFormat { purgeLater(digest, revision) }
            return
        }
        // One of a bucket that this node is yet to be told of says nothing.
        guard document.epoch.nonce <= epoch.nonce else { return }
        let counted = document.counted(in: epoch)
        let homes = Set(counted.seats.values.map(\.home))
        if homes.isEmpty { return purgeLater(digest, revision) }
        if homes.contains(incarnation) {
            // A ghost of its own, or there would be a writer.
            let place = RoomPlace(
                digest: digest, clientID: counted.clientID, name: counted.name)
            open(place, &effects)
            return take(digest, counted, revision, .announcement(from: incarnation), &effects)
        }
        for home in homes.sorted() where keys.isStranger(home) { keys.met(home) }
        // Where one of them lives, its node cleans up.
        guard homes.allSatisfy({ keys.gone.contains($0) && !keys.mayReturn($0) }) else { return }
        var empty = counted
        for connection in counted.seats.keys.sorted() { empty.leave(connection, .lost) }
        let request = ask(.swept(digest, empty))
        let left = empty.encoded(in: keys.format)
        effects.append(.write(.room(digest), left, from: revision, request: request))
    }

    mutating func swept(_ digest: RoomDigest, _ document: RoomDocument, _ answer: StoreAnswer) {
        // Whatever else became of it is seen by the next walk.
        guard case .accepted(let revision) = answer, document.epoch == epoch else { return }
        purgeLater(digest, revision)
        for other in document.nodes.sorted() where keys.isAlive(other) {
            offer(
                digest, revision, document.encoded(in: keys.format), sdps: [], of: document,
                to: other)
        }
    }

    private mutating func purgeLater(_ digest: RoomDigest, _ revision: Revision) {
        guard purges.count < Self.purgesMax else { return }
        purges.append((now + timing.emptyKeptFor, digest, revision))
    }
}
