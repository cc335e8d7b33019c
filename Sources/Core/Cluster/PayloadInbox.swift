package import Signalling

/// What members of this node are sent from elsewhere, from the line to the answer.
///
/// It knows who is on the way to or from another node: what is sent to one that left is answered
/// with its new home, and one that came is given nothing that it took at its old home.
package struct PayloadInbox: Sendable {
    /// By which a delivered payload is answered.
    package struct Receipt: Equatable, Sendable {
        package let source: Incarnation
        package let number: UInt64
        /// By which the source tells it from others of that number.
        package let firstTarget: ConnectionID
        /// Who is to get it.
        package let targets: PayloadTargets
        /// Those who have another home, and are not to get it here.
        let moved: [PayloadAnswer.Move]

        /// Nobody whom it is for has another home.
        package var isWhole: Bool { moved.isEmpty }
    }

    /// Payloads of one source that were taken, in their order.
    package struct Taken: Sendable {
        package private(set) var names: [PayloadName]
        /// Of those of the names that do not say by whom: they are few.
        private var others: [Receipt] = []

        package init(_ receipt: Receipt, room: Int = 1) {
            names = []
            names.reserveCapacity(room)
            append(receipt)
        }

        mutating func append(_ receipt: Receipt) {
            names.append(PayloadName(receipt.number, receipt.firstTarget))
            let isNamed =
                receipt.isWhole && receipt.targets.count == 1
                && receipt.targets.one == receipt.firstTarget
            if !isNamed { others.append(receipt) }
        }

        func numbers(of target: ConnectionID) -> [UInt64] {
            let named = names.filter { name in
                name.target == target
                    && !others.contains { PayloadName($0.number, $0.firstTarget) == name }
            }
            return named.map(\.number)
                + others.filter { $0.targets.contains(target) }.map(\.number)
        }
    }

    package enum Step: Equatable, Sendable {
        /// To be put into the queues of the receipt's targets, then to be answered.
        case deliver(PayloadMail, Receipt)
        /// To be said to that node.
        case answer(PayloadAnswer, number: UInt64, target: ConnectionID, to: Incarnation)
        /// Nothing newer is known of the room than what a payload waits for: to be read.
        case lookUp(RoomDigest)
    }

    /// Of each source: what waits, and what was taken and may not be known there.
    private struct Source {
        var gate = PayloadGate()
        /// Behind the number that the answer has on the line.
        var taken = Ring<(answer: UInt64, taken: Taken)>()
    }

    private struct Sender: Hashable {
        let connection: ConnectionID
        let source: Incarnation
    }

    private var sources: [Incarnation: Source] = [:]
    /// Of all sources.
    private var parkedCount = 0
    /// Taken, and not answered before the turn ends, by source; they are few.
    private var unsaid: [(source: Incarnation, taken: Taken)] = []
    /// How many they were at the end of the turn before, of all sources.
    private var saidCount = 0
    /// Sessions that are about to come, and what those took before, of each source, that have.
    private var awaited: Set<ConnectionID> = []
    private var arrivals: [ConnectionID: [Incarnation: Set<UInt64>]] = [:]
    /// Sessions that left, with their new homes.
    private var departures: [ConnectionID: Incarnation] = [:]
    /// What these senders said to them was not taken, and has not begun to come again.
    private var turnedAway: [ConnectionID: Set<Sender>] = [:]
    private let own: Incarnation

    package init(at own: Incarnation) { self.own = own }

    // MARK: Payloads

    /// `isReady` says whether this node knows the room in that version or a later one, or has
    /// nobody in it and nothing to find out.
    package mutating func take(
        _ payload: PayloadMail, from source: Incarnation,
        isReady: (RoomDigest, Revision) -> Bool
    ) -> [Step] {
        let isReady = isReady(payload.room, payload.revision)
        if isReady, parkedCount == 0 { return steps(payload, source) }
        switch sources[source, default: Source()].gate.take(payload, isReady: isReady) {
        case .ready: return steps(payload, source)
        case .parked:
            parkedCount += 1
            return isReady ? [] : [.lookUp(payload.room)]
        case .refused: return [answer(.unknownTarget, payload, source)]
        }
    }

    /// The same where nothing is in the way of the one that it is for: it is to be put into that
    /// one's queue. Nil where `take` has to say what is to be done.
    package func takeAtOnce(
        _ payload: PayloadMail, from source: Incarnation, isReady: Bool
    ) -> Receipt? {
        guard isReady, parkedCount == 0, payload.targets.count == 1, isAtHome(payload.targets.one)
        else { return nil }
        return Receipt(
            source: source, number: payload.number, firstTarget: payload.targets.one,
            targets: payload.targets, moved: [])
    }

    /// Whether it is not on the move, and has not been.
    private func isAtHome(_ target: ConnectionID) -> Bool {
        (awaited.isEmpty || !awaited.contains(target))
            && (departures.isEmpty || departures[target] == nil)
            && (turnedAway.isEmpty || turnedAway[target] == nil)
            && (arrivals.isEmpty || arrivals[target] == nil)
    }

    /// Whether something waits for another version of this room.
    package func isWaiting(for room: RoomDigest) -> Bool {
        parkedCount > 0 && sources.values.contains { $0.gate.isWaiting(for: room) }
    }

    /// Another version of a room is known, or nobody is in it any more.
    package mutating func learned(
        _ room: RoomDigest, isReady: (RoomDigest, Revision) -> Bool
    ) -> [Step] {
        var steps: [Step] = []
        for source in sources.keys.sorted() {
            guard
                let (ready, others) = sources[source]?.gate.release(
                    room, isReady: { isReady($0.room, $0.revision) })
            else { continue }
            parkedCount -= ready.count
            for payload in ready { steps += self.steps(payload, source) }
            steps += others.sorted().map { .lookUp($0) }
        }
        return steps
    }

    private mutating func steps(_ payload: PayloadMail, _ source: Incarnation) -> [Step] {
        var (targets, moved): ([ConnectionID], [PayloadAnswer.Move]) = ([], [])
        let sender = Sender(connection: payload.sender, source: source)
        for target in payload.targets {
            let home = awaited.contains(target) ? own : departures[target]
            if payload.isAlone, turnedAway[target]?.remove(sender) != nil,
                turnedAway[target]?.isEmpty == true
            {
                turnedAway[target] = nil
            }
            if let home {
                moved.append(PayloadAnswer.Move(target, to: home))
                turnedAway[target, default: []].insert(sender)
            } else if turnedAway[target]?.contains(sender) == true {
                // It came back, and this one would overtake those that were turned away.
                moved.append(PayloadAnswer.Move(target, to: own))
            } else if arrivals[target]?[source]?.contains(payload.number) != true {
                targets.append(target)
            }
        }
        if !targets.isEmpty {
            let receipt = Receipt(
                source: source, number: payload.number, firstTarget: payload.targets.one,
                targets: PayloadTargets(targets), moved: moved)
            return [.deliver(payload, receipt)]
        }
        return [answer(moved.isEmpty ? .queued : .moved(moved), payload, source)]
    }

    private func answer(
        _ answer: PayloadAnswer, _ payload: PayloadMail, _ source: Incarnation
    ) -> Step {
        .answer(answer, number: payload.number, target: payload.targets.one, to: source)
    }

    /// What is to be answered to a payload that was delivered, or was for nobody.
    package func answer(to receipt: Receipt, isTaken: Bool) -> Step {
        let answer: PayloadAnswer =
            receipt.moved.isEmpty ? isTaken ? .queued : .unknownTarget : .moved(receipt.moved)
        return .answer(
            answer, number: receipt.number, target: receipt.firstTarget, to: receipt.source)
    }

    /// They were taken, and their answer has this number on the line to the source.
    package mutating func noteAnswered(
        _ taken: Taken, of source: Incarnation, as answer: UInt64
    ) {
        sources[source, default: Source()].taken.append((answer, taken))
    }

    /// It was taken by all that it was for, which is to be said at the end of the turn.
    package mutating func noteTaken(_ receipt: Receipt) {
        guard let index = unsaid.lastIndex(where: { $0.source == receipt.source }) else {
            let taken = Taken(receipt, room: min(saidCount, 256))
            return unsaid.append((receipt.source, taken))
        }
        unsaid[index].taken.append(receipt)
    }

    /// What is to be said at the end of a turn, by source; to be followed by `noteAnswered` in the
    /// same step.
    package mutating func takeUnsaid() -> [(Incarnation, Taken)] {
        guard !unsaid.isEmpty else { return [] }
        defer { unsaid = [] }
        saidCount = unsaid.reduce(0) { $0 + $1.taken.names.count }
        return unsaid
    }

    /// The answers up to this number have arrived.
    package mutating func confirmed(upTo answer: UInt64, by source: Incarnation) {
        while let first = sources[source]?.taken.first, first.answer <= answer {
            _ = sources[source]?.taken.removeFirst()
        }
    }

    package mutating func died(_ source: Incarnation) {
        parkedCount -= sources.removeValue(forKey: source)?.gate.count ?? 0
        unsaid.removeAll { $0.source == source }
        // What was turned away of theirs will not come again.
        for (target, senders) in turnedAway {
            let rest = senders.filter { $0.source != source }
            if rest.count != senders.count { turnedAway[target] = rest.isEmpty ? nil : rest }
        }
    }

    // MARK: Sessions on the move

    /// What is sent to this session from now on is for its new home, which is another node. All
    /// that was delivered to it has been answered.
    ///
    /// - Returns: What it took, and whose senders may not know so: it goes over with the session.
    package mutating func freeze(
        _ connection: ConnectionID, to home: Incarnation
    ) -> [Incarnation: Set<UInt64>] {
        precondition(home != own, "what is sent to it would go round in circles")
        departures[connection] = home
        return taken(by: connection)
    }

    /// What it took, and whose senders may not know so.
    mutating func taken(by connection: ConnectionID) -> [Incarnation: Set<UInt64>] {
        var taken = arrivals.removeValue(forKey: connection) ?? [:]
        func add(_ some: Taken, of source: Incarnation) {
            let numbers = some.numbers(of: connection)
            if !numbers.isEmpty { taken[source, default: []].formUnion(numbers) }
        }
        for (source, some) in unsaid { add(some, of: source) }
        for (source, state) in sources {
            for index in 0..<state.taken.count { add(state.taken[index].taken, of: source) }
        }
        return taken
    }

    /// A session has been asked for: what comes for it is to come again, until it is here or its
    /// home has refused.
    package mutating func expect(_ connection: ConnectionID) { awaited.insert(connection) }

    /// - Returns: Whether something was turned away meanwhile; to be followed by
    ///   `forgetTurnedAway` once nobody can be about to send it again.
    @discardableResult
    package mutating func expectNoMore(_ connection: ConnectionID) -> Bool {
        awaited.remove(connection)
        return turnedAway[connection] != nil
    }

    /// It has not come, and is not awaited.
    package mutating func forgetTurnedAway(_ connection: ConnectionID) {
        turnedAway[connection] = nil
    }

    /// It is here, with what it took before.
    package mutating func arrive(
        _ connection: ConnectionID, taken: [Incarnation: Set<UInt64>]
    ) {
        awaited.remove(connection)
        departures[connection] = nil
        arrivals[connection] = taken
    }

    /// It has ended here.
    package mutating func forget(_ connection: ConnectionID) {
        arrivals[connection] = nil
        turnedAway[connection] = nil
    }

    /// Where it went from here, as far as is remembered.
    package func home(ofDeparted connection: ConnectionID) -> Incarnation? {
        departures[connection]
    }

    /// It left so long ago that nobody can think it here.
    package mutating func forgetDeparture(of connection: ConnectionID) {
        guard departures.removeValue(forKey: connection) != nil else { return }
        turnedAway[connection] = nil
    }
}
