package import Identifiers
package import Rooms
package import Signalling

/// A room as all nodes of a cluster know it: a `Room`, at which node each member is, and what
/// happened last.
///
/// What a join or a leave means is `Room`'s to say; here is only written down what came of it.
package struct RoomDocument: Equatable, Sendable {
    package static let changesMax = 32

    /// Where a member is.
    package struct Seat: Equatable, Sendable {
        package let home: Incarnation
        /// Nobody was there when it joined, however long it took until it was told.
        package let isFirst: Bool
        /// The others are to be told something with its join, which its home has.
        package let hasSDP: Bool

        package init(home: Incarnation, isFirst: Bool, hasSDP: Bool = false) {
            self.home = home
            self.isFirst = isFirst
            self.hasSDP = hasSDP
        }
    }

    /// Somebody joined, or left and why.
    package struct Change: Equatable, Sendable {
        package let connection: ConnectionID
        /// Of the member, which with its connection names one stay in the room.
        package let order: UInt64
        package let home: Incarnation
        /// Nil for one that joined.
        package let reason: LeaveReason?
    }

    package let epoch: BucketEpoch
    package let clientID: ClientID
    package let name: RoomName
    package private(set) var room: Room
    /// Of all members, and of nobody else.
    package private(set) var seats: [ConnectionID: Seat]
    /// The last ones, the oldest first.
    package private(set) var changes: [Change]

    /// With nobody in it; the first member's order will be the one after `lastOrder`.
    package init(
        epoch: BucketEpoch, clientID: ClientID, name: RoomName, after lastOrder: UInt64 = 0
    ) {
        self.epoch = epoch
        self.clientID = clientID
        self.name = name
        room = Room(after: lastOrder)
        seats = [:]
        changes = []
    }

    /// As it was read; nil where it is none that could have been written.
    init?(
        epoch: BucketEpoch, clientID: ClientID, name: RoomName, lastOrder: UInt64,
        _ members: [(member: RoomMember, seat: Seat)], _ changes: [Change]
    ) {
        // Orders must have room to grow.
        guard changes.count <= Self.changesMax, lastOrder < 1 << 62 else { return nil }
        var orders: Set<UInt64> = []
        var peers: Set<PeerID> = []
        for (index, (member, _)) in members.enumerated() {
            guard index == 0 || members[index - 1].member.connection < member.connection,
                member.order > 0, member.order <= lastOrder, orders.insert(member.order).inserted,
                !member.isV1 || peers.insert(member.peerID).inserted
            else { return nil }
        }
        self.epoch = epoch
        self.clientID = clientID
        self.name = name
        room = Room(members.map(\.member), after: lastOrder)
        seats = Dictionary(uniqueKeysWithValues: members.map { ($0.member.connection, $0.seat) })
        self.changes = changes
    }

    // MARK: Looking

    /// What it counts as in a bucket: one that was written for another bucket, and came too late,
    /// says nothing of who is there.
    package func counted(in epoch: BucketEpoch) -> RoomDocument {
        guard self.epoch != epoch else { return self }
        return RoomDocument(epoch: epoch, clientID: clientID, name: name, after: room.lastOrder)
    }

    package func home(of connection: ConnectionID) -> Incarnation? { seats[connection]?.home }

    /// Whom this version concerns: where members are, and where those were that left last.
    package var nodes: Set<Incarnation> {
        Set(seats.values.map(\.home)).union(changes.map(\.home))
    }

    /// Why this stay in the room ended; as for a lost connection where that is known no more.
    package func reason(for member: RoomMember) -> LeaveReason { end(of: member) ?? .lost }

    /// This stay is known to have ended.
    package func hasLeft(_ member: RoomMember) -> Bool { end(of: member) != nil }

    /// Another took its place, which ends its session: it will never join again.
    package func hasReplaced(_ connection: ConnectionID) -> Bool {
        changes.contains { $0.connection == connection && $0.reason == .replaced }
    }

    private func end(of member: RoomMember) -> LeaveReason? {
        changes.last {
            $0.connection == member.connection && $0.order == member.order && $0.reason != nil
        }?.reason
    }

    // MARK: Events

    /// As `Room.join`, for a member at this node.
    package mutating func join(
        _ member: RoomMember, at home: Incarnation, hasSDP: Bool = false, membersMax: Int = 0
    ) throws(SignalError) -> Room.Joined? {
        guard let joined = try room.join(member.shared, membersMax: membersMax) else { return nil }
        if let replaced = joined.replaced { note(replaced, .replaced) }
        let seat = Seat(home: home, isFirst: joined.others.isEmpty, hasSDP: hasSDP)
        seats[member.connection] = seat
        append(joined.own, seat.home, nil)
        return joined
    }

    /// As `Room.leave`.
    @discardableResult
    package mutating func leave(_ connection: ConnectionID, _ reason: LeaveReason) -> Bool {
        guard let left = room.leave(connection) else { return false }
        note(left.member, reason)
        return true
    }

    /// A member's session goes on at another node: nobody joins, nobody leaves, and nobody is told.
    /// Its old home, which `nodes` may name no more, has to hear of it all the same.
    ///
    /// - Returns: False where it is not the member of that order at the old home; nothing changed.
    package mutating func move(
        _ connection: ConnectionID, order: UInt64, from old: Incarnation, to home: Incarnation
    ) -> Bool {
        guard let seat = seats[connection], seat.home == old,
            room.member(connection)?.order == order
        else { return false }
        // Whoever was to be told something with its join has been, or it would not be admitted.
        seats[connection] = Seat(home: home, isFirst: seat.isFirst)
        return true
    }

    /// Takes members in again that the bucket lost, with the orders that they had; later ones come
    /// after `lastOrder`.
    ///
    /// A member's own node may not have heard that it was taken out. Others may: `changes` are what
    /// the one that writes knew of. And of two v1 members with one peer id the later has taken the
    /// other's place.
    package mutating func restore(
        _ members: [(member: RoomMember, seat: Seat)], _ changes: [Change] = [],
        after lastOrder: UInt64
    ) {
        for change in changes { repeatEnd(change) }
        for (member, seat) in members.sorted(by: { $0.member.order < $1.member.order })
        where room.member(member.connection) == nil && !hasLeft(member) {
            let rival = room.members.first {
                member.isV1 && $0.isV1 && $0.peerID == member.peerID
            }
            if let rival, rival.order > member.order {
                append(member, seat.home, .replaced)
                continue
            }
            // Whoever comes this late was taken for dead when the bucket was opened to all.
            if room.members.contains(where: { $0.order == member.order }) {
                append(member, seat.home, .lost)
                continue
            }
            if let rival { leave(rival.connection, .replaced) }
            room = Room(room.members + [member.shared], after: room.lastOrder)
            seats[member.connection] = seat
        }
        if room.lastOrder < lastOrder { room = Room(room.members, after: lastOrder) }
    }

    private mutating func repeatEnd(_ change: Change) {
        let isKnown = changes.contains {
            $0.connection == change.connection && $0.order == change.order && $0.reason != nil
        }
        guard let reason = change.reason, !isKnown else { return }
        if let member = room.member(change.connection), member.order == change.order {
            leave(change.connection, reason)
        } else {
            append(change)
        }
    }

    private mutating func note(_ member: RoomMember, _ reason: LeaveReason) {
        guard let seat = seats.removeValue(forKey: member.connection) else { return }
        append(member, seat.home, reason)
    }

    private mutating func append(_ change: Change) {
        changes.append(change)
        if changes.count > Self.changesMax { changes.removeFirst() }
    }

    private mutating func append(
        _ member: RoomMember, _ home: Incarnation, _ reason: LeaveReason?
    ) {
        append(
            Change(
                connection: member.connection, order: member.order, home: home, reason: reason))
    }
}

extension RoomMember {
    /// Without what means something at its own node alone: its address, and its clock.
    var shared: RoomMember {
        let route: Route =
            switch self.route {
            case .classic: .classic(address: 0)
            case .v1(let subject): .v1(subject: subject)
            }
        return RoomMember(
            connection: connection, route: route, peerID: peerID, name: name, order: order,
            isUnclaimed: isUnclaimed)
    }
}
