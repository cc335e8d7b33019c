import Identifiers
import Rooms
import Signalling

extension ClusterNode {
    mutating func join(
        _ member: RoomMember, _ place: RoomPlace, _ sdp: [UInt8]?, _ effects: inout [Effect]
    ) {
        guard keys.mayAdmit, !isLeaving else {
            effects.append(.refused(member.connection, place, .temporarilyUnavailable))
            return
        }
        rouse(place.digest)
        guard rooms[place.digest]?.heldLeaves[member.connection] == nil else {
            rooms[place.digest]?.heldLeaves[member.connection]?.next =
                ClusterRoom.Next(member: member, sdp: sdp)
            return
        }
        open(place, &effects)
        stay(member.connection, in: place)
        rooms[place.digest]?.sdps[member.connection] = sdp.map { ClusterRoom.OwnSDP(bytes: $0) }
        if let room = rooms[place.digest] {
            // What the writer is about to give it.
            deadlines.append(
                Deadline(
                    due: now + timing.joinWait, place: place, life: room.life,
                    join: room.writer.lastPending + 1))
        }
        drive(place.digest, .join(member, hasSDP: sdp != nil), &effects)
    }

    /// When a join that has not been written is refused.
    struct Deadline: Sendable {
        let due: Int64
        let place: RoomPlace
        let life: UInt64
        let join: UInt64
    }

    mutating func giveUpJoins(_ effects: inout [Effect]) {
        while let deadline = deadlines.first, deadline.due <= now {
            _ = deadlines.removeFirst()
            let room = deadline.place.digest
            // In one that rests nobody waits.
            guard !rooms.isResting(room), rooms[room]?.life == deadline.life else { continue }
            drive(room, .giveUp(join: deadline.join), &effects)
        }
    }

    mutating func leave(
        _ connection: ConnectionID, _ place: RoomPlace, _ reason: LeaveReason,
        _ effects: inout [Effect]
    ) {
        // Whoever was condemned has forgotten all, and a ghost is taken out by others.
        guard rooms.contains(place.digest) else { return }
        rouse(place.digest)
        guard source.awaitSettled(connection) else {
            // Others would hear of the leave first, from nodes that it was told.
            if rooms[place.digest]?.heldLeaves[connection] == nil {
                heldLeaves[connection, default: []].append(place.digest)
            }
            rooms[place.digest]?.heldLeaves[connection] = ClusterRoom.Held(reason: reason)
            return
        }
        drive(place.digest, .leave(connection, reason), &effects)
    }

    /// All that it said is answered.
    mutating func settled(_ connection: ConnectionID, _ effects: inout [Effect]) {
        for digest in heldLeaves.removeValue(forKey: connection) ?? [] {
            guard let place = rooms[digest]?.place,
                let held = rooms[digest]?.heldLeaves.removeValue(forKey: connection)
            else { continue }
            drive(digest, .leave(connection, held.reason), &effects)
            if let next = held.next { join(next.member, place, next.sdp, &effects) }
        }
    }

    /// Sees to it that there is a room of this name here.
    mutating func open(_ place: RoomPlace, _ effects: inout [Effect]) {
        guard !rooms.contains(place.digest), let epoch else { return }
        lastLife += 1
        let before = BucketEpoch(createdAt: ~epoch.createdAt, nonce: ~epoch.nonce)
        let writer = RoomWriter(
            of: place.clientID, place.name, at: incarnation, in: keys.isOpen ? epoch : before,
            membersMax: configuration.membersPerRoomMax, dead: rooms.dead)
        rooms.add(ClusterRoom(place, life: lastLife, writer))
        // Whoever comes while others are writing back waits with them.
        if !keys.isOpen { drive(place.digest, .renewed(epoch), isLast: false, &effects) }
    }

    /// Hands something to the writer of a room, if there is one. With `isLast` the room may be
    /// forgotten if nothing is left to be done.
    mutating func drive(
        _ digest: RoomDigest, _ input: RoomWriter.Input, mayAsk: Bool = true, isLast: Bool = true,
        _ effects: inout [Effect]
    ) {
        rouse(digest)
        guard let notBefore = rooms[digest]?.notBefore else { return }
        let mayAsk = mayAsk && self.mayAsk && now >= notBefore
        let outcome = rooms[digest]?.writer.handle(input, mayAsk: mayAsk) ?? []
        show(digest, &effects)
        for effect in outcome { perform(effect, digest, &effects) }
        if case .read = input, rooms[digest]?.heldRead == nil { rooms[digest]?.hasRead = false }
        forgetSDPs(digest)
        release(digest, &effects)
        mourn(in: digest, &effects)
        guard let room = rooms[digest] else { return }
        if !keys.isOpen, let epoch, !room.writer.hasWrittenBack(into: epoch) {
            unrestored.insert(digest)
        } else {
            unrestored.remove(digest)
        }
        guard !room.writer.wantsToAsk else { return wait(digest) }
        if isLast, room.isIdle { forget(digest, &effects) }
    }

    /// It is about to change, and is looked at before.
    mutating func rouse(_ digest: RoomDigest) {
        rooms.wake(digest, until: now + timing.restAfterChange)
    }

    /// For how many rooms the store may be asked at once: after an election all want to write, and
    /// what keeps this node alive is not to wait for them.
    private static let roomRequestsMax = 2000

    /// Whether a room may ask something of the store.
    var mayAsk: Bool { keys.mayWrite && roomRequests < Self.roomRequestsMax }

    private mutating func wait(_ digest: RoomDigest) {
        guard let room = rooms[digest] else { return }
        guard now < room.notBefore else {
            if waiting.insert(digest).inserted { waitingLine.append(digest) }
            return
        }
        delay(digest)
    }

    private mutating func delay(_ digest: RoomDigest) {
        guard let room = rooms[digest], !room.isDelayed else { return }
        rooms[digest]?.isDelayed = true
        delayed.append((max(now + timing.retryAfter, room.notBefore), digest, room.life))
    }

    mutating func askAgain(_ digest: RoomDigest, _ effects: inout [Effect]) {
        rooms[digest]?.isDelayed = false
        guard let request = rooms[digest]?.heldRead else { return drive(digest, .free, &effects) }
        rooms[digest]?.heldRead = nil
        read(digest, request, &effects)
    }

    /// The relay is given what its members know of their room, where that has changed.
    mutating func show(_ digest: RoomDigest, _ effects: inout [Effect]) {
        rooms.refreshView(digest)
        guard let room = rooms[digest], room.writer.hasMembers || room.shown != nil else { return }
        let count = room.writer.toldCount
        if !room.writer.hasMembers {
            rooms[digest]?.shown = nil
            effects.append(.room(room.place, Room(), elsewhere: [:]))
        } else if room.shown != count || room.mustShow {
            rooms[digest]?.shown = count
            rooms[digest]?.mustShow = false
            var elsewhere = room.writer.elsewhere
            for connection in room.writer.own.keys where moves.uncleared[connection] != nil {
                elsewhere[connection] = incarnation
            }
            effects.append(.room(room.place, room.writer.room, elsewhere: elsewhere))
        }
    }

    private mutating func forget(_ digest: RoomDigest, _ effects: inout [Effect]) {
        rooms.remove(digest)
        mourn(in: digest, &effects)
        waiting.remove(digest)
        unrestored.remove(digest)
        release(digest, &effects)
    }

    // MARK: What a writer wants

    private mutating func perform(
        _ effect: RoomWriter.Effect, _ digest: RoomDigest, _ effects: inout [Effect]
    ) {
        guard let place = rooms[digest]?.place else { return }
        switch effect {
        case .read(let request):
            // Whoever asks again at once was told something old.
            if rooms[digest]?.hasRead == true {
                rooms[digest]?.heldRead = request
                rooms[digest]?.isDelayed = false
                delay(digest)
            } else {
                read(digest, request, &effects)
            }
        case .write(let document, let base, let request):
            write(digest, document, base, request, &effects)
        case .announce(let document, let revision, let others):
            announce(digest, document, revision, to: others, &effects)
        case .tell(let connection, let news):
            var sdp: [UInt8]?
            if case .joined(let other) = news { sdp = rooms[digest]?.sdp(of: other.connection) }
            tell(connection, .tell(connection, place, news, sdp: sdp), &effects)
        case .admitted(let connection):
            rooms[digest]?.sdps[connection] = nil
            effects.append(.admitted(connection, place))
        case .refused(let connection, let error):
            endStay(connection, digest)
            effects.append(.refused(connection, place, error))
        case .left(let connection):
            endStay(connection, digest)
            effects.append(.left(connection, place))
        case .ended(let connection, let reason):
            endStay(connection, digest)
            if moves.takings[connection]?.state != nil {
                take(.gone(reason), connection, &effects)
            } else {
                effects.append(.ended(connection, place, reason))
            }
        case .adopted(let connection):
            stay(connection, in: place)
            adopted(connection, place, &effects)
        case .gone(let connection, let reason): take(.gone(reason), connection, &effects)
        case .empty(let revision):
            purges.append((now + timing.emptyKeptFor, digest, revision))
        }
    }

    private mutating func stay(_ connection: ConnectionID, in place: RoomPlace) {
        stays[connection] = stays[connection]?.with(place) ?? FewRooms(place)
    }

    private mutating func endStay(_ connection: ConnectionID, _ digest: RoomDigest) {
        rooms[digest]?.sdps[connection] = nil
        guard let rooms = stays.removeValue(forKey: connection) else { return }
        stays[connection] = rooms.without(digest)
    }

    private mutating func read(
        _ digest: RoomDigest, _ request: UInt64, _ effects: inout [Effect]
    ) {
        guard let life = rooms[digest]?.life else { return }
        rooms[digest]?.hasRead = true
        let own = ask(.room(digest, life: life, request: request))
        effects.append(.read(.room(digest), request: own))
    }

    private mutating func write(
        _ digest: RoomDigest, _ document: RoomDocument, _ base: Revision, _ request: UInt64,
        _ effects: inout [Effect]
    ) {
        guard let life = rooms[digest]?.life else { return }
        rooms[digest]?.hasRead = false
        let bytes = document.encoded(in: keys.format)
        guard bytes.count <= RoomDocument.bytesMax else {
            rooms[digest]?.notBefore = now + timing.retryAfter
            return drive(digest, .tooLong(request: request), &effects)
        }
        let own = ask(.room(digest, life: life, request: request))
        effects.append(.write(.room(digest), bytes, from: base, request: own))
    }

    // MARK: What the store says

    mutating func answered(
        _ answer: StoreAnswer, _ digest: RoomDigest, _ request: UInt64, _ effects: inout [Effect]
    ) {
        switch answer {
        case .accepted(let revision):
            drive(digest, .accepted(revision, request: request), &effects)
        case .conflict: drive(digest, .conflict(request: request), &effects)
        case .found(nil, let revision):
            drive(digest, .read(nil, revision, request: request), &effects)
        case .found(let bytes?, let revision):
            guard let room = rooms[digest] else { return }
            do throws(DocumentFault) {
                let document = try RoomDocument(
                    bytes, of: room.place.clientID, room.place.name, upTo: configuration.reads)
                rooms[digest]?.unreadableSince = nil
                found(digest, document, revision, request, &effects)
            } catch .unknownFormat {
                foundNewer(digest, request, &effects)
            } catch {
                // Nobody can have written it who has to be respected.
                tally.unreadable += 1
                drive(digest, .garbage(revision, request: request), &effects)
            }
        case .unknown, .unreadable, .next: failed(digest, request, &effects)
        }
    }

    /// A later version wrote it, and it stays as it is: nobody is to wait for it for ever.
    private mutating func foundNewer(
        _ digest: RoomDigest, _ request: UInt64, _ effects: inout [Effect]
    ) {
        tally.unreadable += 1
        let since = rooms[digest]?.unreadableSince ?? now
        rooms[digest]?.unreadableSince = since
        guard now - since >= timing.unreadableWait else { return failed(digest, request, &effects) }
        rooms[digest]?.notBefore = now + timing.unreadableWait
        rooms[digest]?.hasRead = false
        drive(digest, .impassable(request: request), &effects)
    }

    /// What failed is tried again, but not at once.
    mutating func failed(
        _ digest: RoomDigest, _ request: UInt64, _ effects: inout [Effect]
    ) {
        rooms[digest]?.notBefore = now + timing.retryAfter
        rooms[digest]?.hasRead = false
        // One of them is what was asked for; the other is passed over.
        drive(digest, .unknown(request: request), &effects)
        drive(digest, .unreadable(request: request), &effects)
    }
}
