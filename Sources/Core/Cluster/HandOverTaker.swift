package import Identifiers
import Sessions
package import Signalling

/// A session at a node that asks for it, since its client is here, or since its home offers it.
///
/// Whoever knows a connection may claim to be its client: so all claims are asked for at once, each
/// by a question of its own, and what becomes of one says nothing of the others.
package struct HandOverTaker: Sendable {
    package enum Input: Sendable {
        case refused(HandOverMail.Refusal, attempt: UInt64, by: Incarnation)
        case piece([UInt8], isLast: Bool, attempt: UInt64, from: Incarnation)
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
        /// It can't be had by this question: nothing came.
        case fail(attempt: UInt64)
        /// What came is nothing that this version reads.
        case unreadable
    }

    private struct Question {
        let claim: SessionClaim?
        /// Of whom no answer has come.
        var nodes: Set<Incarnation>
        /// How often it was followed to where it went; while it is asked for it may go on.
        var follows = 0
        /// To whom it was followed, and who is to be asked once more if each asked the other: it
        /// may have been on its way there still.
        var told: Set<Incarnation> = []
        /// It is on its way here already, as an answer to another question.
        var isComing = false
    }

    private enum State {
        case asking
        case receiving(attempt: UInt64, from: Incarnation)
        case adopting(attempt: UInt64, from: Incarnation, Set<RoomName>)
        case over
    }

    static let followsMax = 16

    package let connection: ConnectionID
    private let own: Incarnation
    private let reads: UInt8
    private var dead: Set<Incarnation>
    private var state = State.asking
    /// By attempt, while nothing has come.
    private var questions: [UInt64: Question] = [:]
    /// How many of them wait for each node: what one answers costs the same however many there are.
    private var waits: [Incarnation: Int] = [:]
    private var received: [UInt8] = []
    private var pieces: UInt32 = 0

    /// `reads` is the newest format that its node reads; `dead` are nodes that were declared dead,
    /// of which no more will be heard.
    package init(
        _ connection: ConnectionID, at own: Incarnation, reads: UInt8, dead: Set<Incarnation> = []
    ) {
        self.connection = connection
        self.own = own
        self.reads = reads
        self.dead = dead
    }

    package var isOver: Bool { if case .over = state { true } else { false } }

    /// Nothing has come yet.
    package var isAsking: Bool { if case .asking = state { true } else { false } }

    /// From whom it comes, from its first piece until it is at home here.
    package var giver: Incarnation? {
        switch state {
        case .receiving(_, let home), .adopting(_, let home, _): home
        case .asking, .over: nil
        }
    }

    /// One of those that may still have it.
    package var asked: Incarnation? { waits.keys.min() }

    /// A node that asks for this session too and is asked in turn hasn't got it, and is to be told
    /// so; any other that asks has to wait until this is over.
    package func isAsking(_ node: Incarnation) -> Bool { waits[node] != nil }

    /// Asks these nodes, while nothing has come: the home that the claim's secret names or, where
    /// that has left or died, all that live. `attempt` is a number that this node has not used.
    package mutating func ask(
        _ claim: SessionClaim?, attempt: UInt64, _ nodes: Set<Incarnation>
    ) -> [Effect] {
        guard isAsking else { return [.fail(attempt: attempt)] }
        let asked = nodes.subtracting([own]).subtracting(dead)
        guard !asked.isEmpty else {
            if questions.isEmpty { state = .over }
            return [.fail(attempt: attempt)]
        }
        let isFirst = questions.isEmpty
        questions[attempt] = Question(claim: claim, nodes: asked)
        for node in asked { waits[node, default: 0] += 1 }
        let mail = HandOverMail.take(attempt: attempt, connection, claim)
        return (isFirst ? [.expect] : []) + asked.sorted().map { .send(mail, to: $0) }
    }

    /// It lay on a shelf, and nobody else has it: its old home is no more.
    package mutating func putBack(_ state: HandOverState, from home: Incarnation) -> [Effect] {
        guard isAsking, questions.isEmpty else { return [] }
        dead.insert(home)
        return [.expect, .arrive(state, from: home)]
            + adopt(Set(state.record.rooms.map(\.room)), 0, from: home)
    }

    package mutating func handle(_ input: Input) -> [Effect] {
        if case .died(let node) = input { dead.insert(node) }
        switch (state, input) {
        case (.asking, .refused(let refusal, let attempt, let node)):
            return refused(refusal, attempt, by: node)
        case (.asking, .died(let node)): return died(node)
        case (.asking, .piece(let bytes, let isLast, let attempt, let node)):
            guard questions[attempt]?.nodes.contains(node) == true else { return [] }
            return leave(except: attempt, node) + take(bytes, isLast, attempt, from: node)
        case (
            .receiving(let attempt, let home), .piece(let bytes, let isLast, let number, let node)
        ):
            return (number, node) == (attempt, home) ? take(bytes, isLast, attempt, from: home) : []
        case (.receiving(let attempt, let home), .refused(_, let number, let node)):
            return (number, node) == (attempt, home) ? fail(attempt) : []
        case (.receiving(let attempt, let home), .died(let node)):
            return node == home ? fail(attempt) : []
        case (.adopting(let attempt, let home, let rooms), .adopted(let room)):
            return adopt(rooms.subtracting([room]), attempt, from: home)
        case (.adopting(let attempt, let home, _), .gone(let reason)):
            state = .over
            return [.end(reason)] + confirm(attempt, to: home)
        // Its rooms know best whether it was taken out with its old home.
        default: return []
        }
    }

    private mutating func refused(
        _ refusal: HandOverMail.Refusal, _ attempt: UInt64, by node: Incarnation
    ) -> [Effect] {
        guard questions[attempt]?.nodes.contains(node) == true,
            var question = questions.removeValue(forKey: attempt)
        else { return [] }
        question.nodes.remove(node)
        noteHeard(node)
        var effects: [Effect] = []
        if case .elsewhere(var home) = refusal {
            if home == own {
                question.isComing = true
                if question.told.remove(node) != nil { home = node }
            } else {
                question.told.insert(home)
            }
            if home != own, !dead.contains(home), !question.nodes.contains(home),
                question.follows < Self.followsMax
            {
                question.follows += 1
                question.nodes.insert(home)
                waits[home, default: 0] += 1
                let mail = HandOverMail.take(attempt: attempt, connection, question.claim)
                effects.append(.send(mail, to: home))
            }
        }
        questions[attempt] = question
        return effects + goOn([attempt])
    }

    private mutating func died(_ node: Incarnation) -> [Effect] {
        guard waits.removeValue(forKey: node) != nil else { return [] }
        let asked = questions.keys.filter { questions[$0]?.nodes.contains(node) == true }
        for attempt in asked { questions[attempt]?.nodes.remove(node) }
        return goOn(asked)
    }

    private mutating func noteHeard(_ node: Incarnation) {
        guard let count = waits[node] else { return }
        waits[node] = count > 1 ? count - 1 : nil
    }

    /// It may yet come to the others that were asked, and is not to come from there again.
    private mutating func leave(except attempt: UInt64, _ node: Incarnation) -> [Effect] {
        let left = questions.sorted { $0.key < $1.key }
        (questions, waits) = ([:], [:])
        return left.flatMap { number, question in
            question.nodes.sorted().filter { number != attempt || $0 != node }
                .map { .send(.confirm(attempt: number), to: $0) }
        }
    }

    /// Questions that nobody is left to answer have failed; these have lost one who was.
    private mutating func goOn(_ touched: [UInt64]) -> [Effect] {
        // One that waits for what others bring is answered with the last of these.
        let isOpen = !waits.isEmpty
        let failed = (isOpen ? touched : Array(questions.keys)).filter { attempt in
            guard isOpen, let question = questions[attempt] else { return true }
            return question.nodes.isEmpty && !question.isComing
        }.sorted()
        for attempt in failed { questions[attempt] = nil }
        if !isOpen { state = .over }
        return failed.map { .fail(attempt: $0) } + (isOpen ? [] : [.expectNoMore])
    }

    private mutating func fail(_ attempt: UInt64) -> [Effect] {
        state = .over
        return [.fail(attempt: attempt), .expectNoMore]
    }

    private mutating func take(
        _ bytes: [UInt8], _ isLast: Bool, _ attempt: UInt64, from home: Incarnation
    ) -> [Effect] {
        received += bytes
        pieces += 1
        if !isLast, received.count <= HandOverState.bytesMax {
            state = .receiving(attempt: attempt, from: home)
            return [.send(.taken(attempt: attempt, pieces: pieces), to: home)]
        }
        guard let state = try? HandOverState(received, upTo: reads) else {
            // Nobody can go on with it: its old home is to take it out.
            return [.unreadable] + fail(attempt)
                + [.send(.confirm(attempt: attempt), to: home)]
        }
        received = []
        return [.arrive(state, from: home)]
            + adopt(Set(state.record.rooms.map(\.room)), attempt, from: home)
    }

    private mutating func adopt(
        _ rooms: Set<RoomName>, _ attempt: UInt64, from home: Incarnation
    ) -> [Effect] {
        state = .adopting(attempt: attempt, from: home, rooms)
        guard rooms.isEmpty else { return [] }
        state = .over
        return [.open] + confirm(attempt, to: home)
    }

    private func confirm(_ attempt: UInt64, to home: Incarnation) -> [Effect] {
        dead.contains(home) ? [] : [.send(.confirm(attempt: attempt), to: home)]
    }
}
