package import Identifiers
package import Sessions
package import Signalling

/// A session at a node that asks for it, since its client is here, or since its home offers it.
package struct HandOverTaker: Sendable {
    package enum Input: Sendable {
        case refused(HandOverMail.Refusal, by: Incarnation)
        case piece([UInt8], isLast: Bool, from: Incarnation)
        /// The room's document has it at home here.
        case adopted(RoomName)
        /// It is no member of the room any more, and why.
        case gone(LeaveReason)
        case died(Incarnation)
    }

    package enum Effect: Equatable, Sendable {
        /// What comes for it has to wait: `PayloadInbox.expect`.
        case expect
        case expectNoMore
        case send(HandOverMail, to: Incarnation)
        /// Its state is here: what comes for it from now on is put into its history, its client
        /// waits on. Its rooms are to be asked to have it at home here, and no more there.
        case arrive(HandOverState, from: Incarnation)
        /// It is at home here: its client goes on.
        case open
        /// It came, and is over: it leaves the rooms that it is still in.
        case end(LeaveReason)
        /// It can't be had: nothing came.
        case fail
    }

    private enum State {
        case asking(Set<Incarnation>)
        case receiving(from: Incarnation)
        case adopting(from: Incarnation, Set<RoomName>)
        case over
    }

    static let followsMax = 16

    package let connection: ConnectionID
    package let attempt: UInt64
    private let own: Incarnation
    private let secret: SecretDigest?
    /// How often it was followed to where it went; while it is asked for it may go on.
    private var follows = 0
    private var dead: Set<Incarnation>
    private var state: State
    private var received: [UInt8] = []
    private var pieces: UInt32 = 0

    /// Asks these nodes: the home that the secret names or, where that has left or died, all that
    /// live. `attempt` is a number that this node has not used; `dead` are nodes that were declared
    /// dead, of which no more will be heard.
    package init(
        _ connection: ConnectionID, secret: SecretDigest?, at own: Incarnation, attempt: UInt64,
        asking nodes: Set<Incarnation>, dead: Set<Incarnation> = []
    ) {
        self.connection = connection
        self.secret = secret
        self.own = own
        self.attempt = attempt
        self.dead = dead
        state = .asking(nodes.subtracting([own]).subtracting(dead))
    }

    package var isOver: Bool { if case .over = state { true } else { false } }

    /// Nothing has come yet.
    package var isAsking: Bool { if case .asking = state { true } else { false } }

    /// One of those that may still have it.
    package var asked: Incarnation? {
        if case .asking(let nodes) = state { nodes.min() } else { nil }
    }

    /// A node that asks for this session too and is asked in turn hasn't got it, and is to be told
    /// so; any other that asks has to wait until this is over.
    package func isAsking(_ node: Incarnation) -> Bool {
        if case .asking(let nodes) = state { nodes.contains(node) } else { false }
    }

    package mutating func begin() -> [Effect] {
        guard case .asking(let asked) = state, !asked.isEmpty else {
            state = .over
            return [.fail]
        }
        return [.expect] + asked.sorted().map { .send(question, to: $0) }
    }

    private var question: HandOverMail {
        .take(attempt: attempt, connection, secret: secret)
    }

    package mutating func handle(_ input: Input) -> [Effect] {
        if case .died(let node) = input { dead.insert(node) }
        switch (state, input) {
        case (.asking(let nodes), .refused(let refusal, let node)):
            return refused(refusal, by: node, nodes)
        case (.asking(let nodes), .died(let node)): return ask(nodes.subtracting([node]))
        case (.asking(let nodes), .piece(let bytes, let isLast, let node)):
            guard nodes.contains(node) else { return [] }
            // It may yet come to the others that were asked, and is not to come from there again.
            let others = nodes.subtracting([node]).sorted()
            return others.map { .send(.confirm(attempt: attempt), to: $0) }
                + take(bytes, isLast, from: node)
        case (.receiving(let home), .piece(let bytes, let isLast, let node)):
            return node == home ? take(bytes, isLast, from: home) : []
        case (.receiving(let home), .died(let node)), (.receiving(let home), .refused(_, let node)):
            return node == home ? fail() : []
        case (.adopting(let home, let rooms), .adopted(let room)):
            return adopt(rooms.subtracting([room]), from: home)
        case (.adopting(let home, _), .gone(let reason)):
            state = .over
            return [.end(reason), .send(.confirm(attempt: attempt), to: home)]
        // Its rooms know best whether it was taken out with its old home.
        default: return []
        }
    }

    private mutating func refused(
        _ refusal: HandOverMail.Refusal, by node: Incarnation, _ nodes: Set<Incarnation>
    ) -> [Effect] {
        guard nodes.contains(node) else { return [] }
        let rest = nodes.subtracting([node])
        guard case .elsewhere(let home) = refusal, home != own, !dead.contains(home),
            !rest.contains(home), follows < Self.followsMax
        else { return ask(rest) }
        follows += 1
        state = .asking(rest.union([home]))
        return [.send(question, to: home)]
    }

    private mutating func ask(_ nodes: Set<Incarnation>) -> [Effect] {
        state = .asking(nodes)
        return nodes.isEmpty ? fail() : []
    }

    private mutating func fail() -> [Effect] {
        state = .over
        return [.expectNoMore, .fail]
    }

    private mutating func take(
        _ bytes: [UInt8], _ isLast: Bool, from home: Incarnation
    ) -> [Effect] {
        received += bytes
        pieces += 1
        if !isLast, received.count <= HandOverState.bytesMax {
            state = .receiving(from: home)
            return [.send(.taken(attempt: attempt, pieces: pieces), to: home)]
        }
        guard let state = try? HandOverState(received) else {
            // Nobody can go on with it: its old home is to take it out.
            return fail() + [.send(.confirm(attempt: attempt), to: home)]
        }
        received = []
        return [.arrive(state, from: home)]
            + adopt(Set(state.record.rooms.map(\.room)), from: home)
    }

    private mutating func adopt(_ rooms: Set<RoomName>, from home: Incarnation) -> [Effect] {
        state = .adopting(from: home, rooms)
        guard rooms.isEmpty else { return [] }
        state = .over
        return [.open, .send(.confirm(attempt: attempt), to: home)]
    }
}
