import Rooms
import Sessions
import Signalling

/// Sessions of a node that ends while no other lives: they wait for the next process of its name,
/// which takes them over as from another node. Their seats stand in the store meanwhile as those of
/// a node that is gone, and are anybody's to take away: so of two that meet there one is refused.
extension ClusterNode {
    // MARK: Going

    /// Nobody else is there who could have this node's sessions, or would wait for it.
    package var mayShelve: Bool {
        guard standing == .member || standing == .cutOff, keys.isOpen else { return false }
        return !keys.hearsOthers && moves.givings.isEmpty && moves.takings.isEmpty
    }

    mutating func shelve(_ sessions: [Shelving], _ effects: inout [Effect]) {
        isShelved = true
        var states: [HandOverState] = []
        var touched: Set<RoomDigest> = []
        var bytesLeft = NodeShelf.bytesMax
        for session in sessions {
            touched.formUnion(session.rooms.map(\.digest))
            let size = size(of: session)
            if size <= min(bytesLeft, HandOverState.bytesMax), let state = lay(session) {
                states.append(state)
                bytesLeft -= size
            } else {
                end(session, &effects)
            }
        }
        for room in touched.sorted() {
            show(room, &effects)
            drive(room, .free, &effects)
        }
        effects.append(.shelved(states))
    }

    /// Nil where it can't go on, as one of its rooms has lost it or it was on its way elsewhere.
    private mutating func lay(_ session: Shelving) -> HandOverState? {
        let connection = session.record.connection
        guard moves.givings[connection] == nil, moves.takings[connection] == nil,
            session.rooms.count == session.record.rooms.count,
            session.rooms.allSatisfy({ mayLay(connection, in: $0.digest) })
        else { return nil }
        var told: [HandOverState.Told] = []
        for place in session.rooms {
            guard let document = rooms[place.digest]?.writer.lend(connection, to: nil),
                let revision = rooms[place.digest]?.writer.revision
            else { continue }
            told.append(HandOverState.Told(place.digest, revision, document))
        }
        forgetSession(connection)
        stays[connection] = nil
        moves.arrived[connection] = nil
        moves.uncleared[connection] = nil
        return HandOverState(
            session.record, graceSeconds: 0, taken: inbox.taken(by: connection), told: told,
            more: keys.more)
    }

    /// What it takes in the shelf, at most.
    private mutating func size(of session: Shelving) -> Int {
        let connection = session.record.connection
        let taken = inbox.taken(by: connection).values.reduce(0) { $0 + 32 + 8 * $1.count }
        let own = session.record.encoded(in: format).count + taken + 256
        return session.rooms.reduce(own) { size, place in
            size + 64
                + (rooms[place.digest]?.writer.toldSize(to: connection, in: format) ?? 0)
        }
    }

    private func mayLay(_ connection: ConnectionID, in digest: RoomDigest) -> Bool {
        guard let room = rooms[digest] else { return false }
        return room.heldLeaves[connection] == nil && room.writer.mayLend(connection)
    }

    private mutating func end(_ session: Shelving, _ effects: inout [Effect]) {
        let connection = session.record.connection
        for place in session.rooms { leave(connection, place, .lost, &effects) }
        sessionEnded(connection, .lost, &effects)
    }

    // MARK: Coming back

    mutating func putBack(
        _ states: [HandOverState], from home: Incarnation, _ effects: inout [Effect]
    ) {
        awaitsShelf = false
        for state in states {
            let connection = state.record.connection
            guard mayComeBack(state) else {
                effects.append(.cameBack(connection, isHere: false))
                continue
            }
            var taking = HandOvers.Taking(taker: newTaker(of: connection))
            taking.isFromShelf = true
            let outcome = taking.taker.putBack(state, from: home)
            moves.takings[connection] = taking
            perform(outcome, of: connection, &effects)
        }
        for connection in moves.questioned.keys.sorted() {
            answerQuestions(for: connection, &effects)
        }
    }

    /// Of another bucket nobody has it any more, nor anybody whom its members knew.
    private func mayComeBack(_ state: HandOverState) -> Bool {
        let connection = state.record.connection
        switch standing {
        case .joining, .member, .cutOff, .lost: break
        case .condemned, .left, .refused: return false
        }
        // Its farewell may be on its way to the store.
        return !isLeaving && keys.isStaying
            && moves.takings[connection] == nil && moves.givings[connection] == nil
            && moves.arrived[connection] == nil && moves.departed[connection] == nil
            && state.told.allSatisfy { $0.document.epoch == epoch }
    }
}
