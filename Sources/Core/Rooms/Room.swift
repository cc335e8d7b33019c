package import Signalling

/// One room: who is in it, and what a join or a leave means for the others.
///
/// A value that knows neither where it is kept nor who is told: each call is one event, and its
/// result says what happened.
package struct Room: Equatable, Sendable {
    /// A connection is a member from now on.
    package struct Joined: Equatable, Sendable {
        package let own: RoomMember
        /// Who was there before it and stays, ordered by connection: each is told of it, and when
        /// there are none, the joiner is told that it is the first.
        package let others: [RoomMember]
        /// Who was taken out for it, and is none of the others.
        package let replaced: RoomMember?
    }

    /// A member is none any more; `remaining` are those to be told.
    package struct Left: Equatable, Sendable {
        package let member: RoomMember
        package let remaining: [RoomMember]
    }

    /// Ordered by connection, so that looking one up needs few steps and no memory of its own.
    package private(set) var members: [RoomMember] = []
    /// Of the member that joined last, whether it is still there or not.
    package private(set) var lastOrder: UInt64

    /// A room with nobody in it, whose first member's order will be the one after `lastOrder`.
    package init(after lastOrder: UInt64 = 0) { self.lastOrder = lastOrder }

    /// A room that is kept elsewhere, with its members' orders; of two members with one connection
    /// it takes the first.
    package init(_ members: [RoomMember], after lastOrder: UInt64 = 0) {
        self.lastOrder = lastOrder
        for member in members { putBack(member) }
    }

    // MARK: Events

    /// Makes a connection a member, or says why not.
    ///
    /// Where a v1 member bears the joiner's peer id and both name the same subject, the older is
    /// replaced; where they don't, the joiner is refused. With a classic one involved both stay
    /// (docs/protocol.md §2).
    ///
    /// - Parameters:
    ///   - member: The joiner, whose `order` is given here.
    ///   - membersMax: How many members there may be; 0 means no limit.
    /// - Returns: What happened; nil if it is a member already, and nothing did.
    /// - Throws: `peerIDTaken` or `roomFull`.
    package mutating func join(
        _ member: RoomMember, membersMax: Int = 0
    ) throws(SignalError) -> Joined? {
        guard index(of: member.connection) == nil else { return nil }
        // Of v1 members, no two bear the same peer id.
        let older =
            member.isV1 ? members.firstIndex { $0.isV1 && $0.peerID == member.peerID } : nil
        if let older, members[older].verdict(on: member) == .newerIsRefused { throw .peerIDTaken }
        let staying = members.count - (older == nil ? 0 : 1)
        if membersMax > 0, staying >= membersMax { throw .roomFull }
        if let older { return replace(members[older].connection, with: member) }
        return enter(member, for: nil)
    }

    /// Takes a member out and lets another in, in one step: nobody else can come between.
    ///
    /// - Returns: What happened; nil if the older is no member or the newer is one: nothing did.
    package mutating func replace(
        _ older: ConnectionID, with newer: RoomMember
    ) -> Joined? {
        guard index(of: newer.connection) == nil, let left = leave(older) else { return nil }
        return enter(newer, for: left.member)
    }

    /// Takes a member out; nil if the connection is none.
    @discardableResult
    package mutating func leave(_ connection: ConnectionID) -> Left? {
        guard let index = index(of: connection) else { return nil }
        let member = members.remove(at: index)
        return Left(member: member, remaining: members)
    }

    /// Takes a member in again that was one before a restart, with the order that it had.
    mutating func putBack(_ member: RoomMember) {
        guard index(of: member.connection) == nil else { return }
        lastOrder = max(lastOrder, member.order)
        members.insert(member, at: position(of: member.connection))
    }

    /// Somebody has come back for a member's place.
    mutating func claim(_ connection: ConnectionID) {
        if let index = index(of: connection) { members[index].isUnclaimed = false }
    }

    /// A member takes part no more, and is to be taken out elsewhere.
    mutating func noteLeaving(_ connection: ConnectionID) {
        if let index = index(of: connection) { members[index].home = RoomMember.leavingHome }
    }

    /// A member that came from elsewhere is one like others.
    mutating func noteLanded(_ connection: ConnectionID) {
        guard let index = index(of: connection), members[index].home == RoomMember.landingHome
        else { return }
        members[index].home = 0
    }

    /// The same room with other things known of its members, who stay who they are.
    package func mapped(_ change: (RoomMember) -> RoomMember) -> Room {
        var room = self
        for index in room.members.indices { room.members[index] = change(members[index]) }
        return room
    }

    private mutating func enter(_ member: RoomMember, for replaced: RoomMember?) -> Joined {
        lastOrder &+= 1
        var own = member
        own.order = lastOrder
        let others = members
        members.insert(own, at: position(of: member.connection))
        return Joined(own: own, others: others, replaced: replaced)
    }

    // MARK: Looking

    /// A member and all others, ordered by connection; nil if the connection is no member.
    package func company(
        of connection: ConnectionID
    ) -> (own: RoomMember, others: [RoomMember])? {
        guard let index = index(of: connection) else { return nil }
        var others = members
        let own = others.remove(at: index)
        return (own, others)
    }

    package func member(_ connection: ConnectionID) -> RoomMember? {
        index(of: connection).map { members[$0] }
    }

    /// Whether this member is there, and has not left and come back since.
    package func holds(_ member: RoomMember) -> Bool {
        index(of: member.connection).map { members[$0].order } == member.order
    }

    /// Where the connection is; nil if it is no member.
    func index(of connection: ConnectionID) -> Int? {
        let position = position(of: connection)
        guard position < members.count, members[position].connection.raw == connection.raw
        else {
            return nil
        }
        return position
    }

    /// Where the connection is, or would have to be inserted. By their bits, here and above: what
    /// another module compares by is called, and the members retained for it.
    private func position(of connection: ConnectionID) -> Int {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low &+ high) / 2
            if members[middle].connection.raw < connection.raw {
                low = middle &+ 1
            } else {
                high = middle
            }
        }
        return low
    }
}
