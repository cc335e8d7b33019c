import Rooms
import Signalling

/// Sessions of a node that is about to end are offered to others.
extension ClusterNode {
    /// How many others take part, as far as known.
    package var livingOthers: Int { keys.living.count }
    /// Another could have sessions of this node, as far as known.
    package var mayDrain: Bool { keys.living.contains { !keys.isDraining($0) } }
    /// A session is on its way here, or is asked for.
    package var isTaking: Bool { !moves.takings.isEmpty }

    mutating func drain(_ sessions: [Draining], _ effects: inout [Effect]) {
        moves.isDraining = true
        keys.isDraining = true
        for session in sessions {
            moves.draining[session.connection] = .some(session.room)
            moves.leftBehind.insert(session.connection)
            offer(session.connection, &effects)
        }
    }

    /// Offers one that wants a new home, unless it is on its way.
    mutating func offer(_ connection: ConnectionID, _ effects: inout [Effect]) {
        guard let room = moves.draining[connection], moves.offers[connection] == nil,
            moves.givings[connection] == nil
        else { return }
        let homes = keys.living.filter { !keys.isDraining($0) }
        guard !homes.isEmpty else {
            moves.draining[connection] = nil
            effects.append(.undrainable(connection))
            return
        }
        let willing = homes.filter { (moves.declined[$0] ?? 0) <= now }
        guard let home = Self.home(of: connection, in: room, willing) else {
            moves.unoffered.insert(connection)
            return
        }
        moves.offers[connection] = home
        push(.handOver(.offer(connection)), to: home)
    }

    /// One that was to go has ended here; by itself, unless it is lost.
    mutating func noteUndrained(_ connection: ConnectionID, _ reason: LeaveReason) {
        guard reason == .lost, moves.leftBehind.remove(connection) != nil else { return }
        tally.undrained += 1
    }

    /// The same for all who share a room, as long as the same nodes live.
    private static func home(
        of connection: ConnectionID, in room: RoomDigest?, _ nodes: [Incarnation]
    ) -> Incarnation? {
        let words = room?.words
        let seed = (words?.0 ?? connection.raw) ^ (words?.1 ?? 0)
        return nodes.max { weight(of: $0, seed) < weight(of: $1, seed) }
    }

    /// Those that nobody would take may be wanted by now.
    mutating func offerAgain(_ effects: inout [Effect]) {
        guard !moves.unoffered.isEmpty else { return }
        let unoffered = moves.unoffered.sorted()
        moves.unoffered = []
        for connection in unoffered { offer(connection, &effects) }
    }

    private static func weight(of node: Incarnation, _ seed: UInt64) -> UInt64 {
        var bits = node.raw ^ seed
        bits = (bits ^ bits >> 30) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ bits >> 27) &* 0x94d0_49bb_1331_11eb
        return bits ^ bits >> 31
    }

    mutating func offered(
        _ connection: ConnectionID, by other: Incarnation, _ effects: inout [Effect]
    ) {
        guard keys.mayAdmit, !isLeaving, !moves.isDraining else {
            push(.handOver(.decline(connection)), to: other)
            return
        }
        ask(for: connection, HandOvers.Wish(claim: nil, home: other), &effects)
    }

    mutating func declined(
        _ connection: ConnectionID, by other: Incarnation, _ effects: inout [Effect]
    ) {
        moves.declined[other] = now + timing.declineKept
        guard moves.offers[connection] == other else { return }
        moves.offers[connection] = nil
        offer(connection, &effects)
    }

    /// Whoever was to take some takes none any more.
    mutating func reoffer(from other: Incarnation, _ effects: inout [Effect]) {
        moves.declined[other] = nil
        for connection in moves.offers.keys.sorted() where moves.offers[connection] == other {
            moves.offers[connection] = nil
            offer(connection, &effects)
        }
    }
}
