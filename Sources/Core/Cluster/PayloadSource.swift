package import Signalling

/// What this node's members say to members elsewhere, until it is answered.
///
/// Payloads are numbered once, over all lines. What is unanswered of one target is at one node
/// alone: where its home is another by now, what comes next waits until all before it is answered,
/// and what was not taken there goes to the new home under the number that it had.
package struct PayloadSource: Sendable {
    /// What may be unanswered at one node; beyond, `send` refuses. It bounds what waits there, too.
    package struct Limits: Sendable {
        package var payloadsMax = 4096
        package var bytesMax = 8 << 20

        package init() {}
    }

    /// What goes over the line to a node, which may be this one.
    package struct Parcel: Equatable, Sendable {
        package let node: Incarnation
        package let payload: PayloadMail
    }

    /// What is to be done, in the order of the members.
    package struct Outcome: Equatable, Sendable {
        package struct Answer: Equatable, Sendable {
            package let ticket: UInt64
            /// It stands in the queue of its target, or of all who are still there.
            package let isKept: Bool

            package init(ticket: UInt64, isKept: Bool) {
                self.ticket = ticket
                self.isKept = isKept
            }
        }

        package var parcels: [Parcel] = []
        package var answers: [Answer] = []
        /// All is answered of these senders, as `awaitSettled` asked.
        package var settled: [ConnectionID] = []
        /// All is answered to these targets, as `awaitClear` asked.
        package var cleared: [ConnectionID] = []
        /// What `send` refused for want of room there may be sent again.
        package var hasRoom: [Incarnation] = []

        package init() {}
    }

    package enum Sent: Equatable, Sendable {
        case taken(Outcome)
        /// Too much is unanswered there: nothing was sent.
        case full(Incarnation)
    }

    /// An answer that is to come, of a node for members that are there.
    private struct Awaited {
        let node: Incarnation
        let members: [ConnectionID]
    }

    private struct Unanswered {
        let payload: OutgoingPayload
        let revision: Revision
        var awaited: [Awaited] = []
        /// For how many targets it waits until others are answered.
        var heldCount = 0
        var isKept: Bool
    }

    private struct Home {
        var count = 0
        var bytes = 0
        var wasRefused = false
    }

    /// What is unanswered of one target.
    private struct Target {
        /// Where all is that was sent.
        var home: Incarnation
        var sentCount = 0
        /// What waits until all that is answered, the oldest first, and for which home.
        var held: [UInt64] = []
        var nextHome: Incarnation
        /// The next home waits for it too: not before the next tick.
        var isEarly = false
    }

    /// What a mail may have, less what goes before the event. Settings have to see to it that
    /// there are no longer ones; those that come are for nobody.
    package static let eventBytesMax = ClusterMail.bytesMax - (1 << 20)

    private let limits: Limits
    private var lastNumber: UInt64 = 0
    private var unanswered: [UInt64: Unanswered] = [:]
    private var homes: [Incarnation: Home] = [:]
    private var targets: [ConnectionID: Target] = [:]
    private var early: Set<ConnectionID> = []
    /// How many are unanswered, by sender.
    private var counts: [ConnectionID: Int] = [:]
    private var unsettled: Set<ConnectionID> = []
    private var uncleared: Set<ConnectionID> = []
    private var dead: Set<Incarnation> = []

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    // MARK: Looking

    /// Nothing is unanswered.
    package var isIdle: Bool { unanswered.isEmpty }
    /// How many payloads of this sender are unanswered.
    package func unansweredCount(of sender: ConnectionID) -> Int { counts[sender] ?? 0 }

    /// Whether nothing of this sender is unanswered; if not, an outcome will name it once.
    package mutating func awaitSettled(_ sender: ConnectionID) -> Bool {
        guard counts[sender] != nil else { return true }
        unsettled.insert(sender)
        return false
    }

    /// Whether nothing to this target is unanswered; if not, an outcome will name it once. Until
    /// then all that is said to it has to come here, also where it has moved to this node.
    package mutating func awaitClear(_ target: ConnectionID) -> Bool {
        guard targets[target] != nil else { return true }
        uncleared.insert(target)
        return false
    }

    // MARK: Sending

    /// `revision` is the room's, as the sender's node knows it; `members` are those to whom a
    /// payload to the whole room goes, by their homes.
    package mutating func send(
        _ payload: OutgoingPayload, at revision: Revision,
        to members: [Incarnation: [ConnectionID]] = [:]
    ) -> Sent {
        let parts: [Awaited] =
            switch payload.target {
            case .member(let member, let home): [Awaited(node: home, members: [member])]
            case .room:
                members.sorted { $0.key < $1.key }.map { Awaited(node: $0.key, members: $0.value) }
            }
        let isTooLong = payload.event.count > Self.eventBytesMax
        let living = parts.filter {
            !isTooLong && !dead.contains($0.node) && !$0.members.isEmpty
        }
        for part in living where isFull(part.node, payload.event.count) {
            homes[part.node, default: Home()].wasRefused = true
            return .full(part.node)
        }
        lastNumber += 1
        counts[payload.sender, default: 0] += 1
        unanswered[lastNumber] = Unanswered(
            payload: payload, revision: revision, isKept: payload.target == .room && !isTooLong)
        var outcome = Outcome()
        for part in living { send(lastNumber, part, &outcome) }
        finishIfAnswered(lastNumber, &outcome)
        return .taken(outcome)
    }

    private func isFull(_ node: Incarnation, _ bytes: Int) -> Bool {
        guard let home = homes[node], home.count > 0 else { return false }
        return home.count >= limits.payloadsMax || home.bytes + bytes > limits.bytesMax
    }

    /// Sends to those members of whom nothing is elsewhere, and holds it back for the others.
    private mutating func send(_ number: UInt64, _ part: Awaited, _ outcome: inout Outcome) {
        var ready: [ConnectionID] = []
        var isAlone = true
        for member in part.members {
            let target = targets[member]
            if let target, target.home != part.node || !target.held.isEmpty {
                hold(number, member, for: part.node)
            } else {
                isAlone = isAlone && target == nil
                targets[member, default: Target(home: part.node, nextHome: part.node)]
                    .sentCount += 1
                ready.append(member)
            }
        }
        let awaited = Awaited(node: part.node, members: ready)
        if !ready.isEmpty { sendOut(number, awaited, isAlone: isAlone, &outcome) }
    }

    private mutating func sendOut(
        _ number: UInt64, _ awaited: Awaited, isAlone: Bool, _ outcome: inout Outcome
    ) {
        unanswered[number]?.awaited.append(awaited)
        guard let entry = unanswered[number] else { return }
        charge(awaited.node, entry)
        outcome.parcels.append(
            Parcel(
                node: awaited.node,
                payload: PayloadMail(
                    number: number, room: entry.payload.room.digest, revision: entry.revision,
                    sender: entry.payload.sender, targets: awaited.members,
                    isAlone: isAlone, event: entry.payload.event)))
    }

    private mutating func hold(
        _ number: UInt64, _ member: ConnectionID, for home: Incarnation
    ) {
        guard var target = targets.removeValue(forKey: member), let entry = unanswered[number]
        else { return }
        let place = target.held.lastIndex { $0 < number }.map { $0 + 1 } ?? 0
        target.held.insert(number, at: place)
        target.nextHome = home
        unanswered[number]?.heldCount += 1
        charge(target.home, entry)
        targets[member] = target
    }

    private mutating func charge(_ node: Incarnation, _ entry: Unanswered) {
        guard !dead.contains(node) else { return }
        homes[node, default: Home()].count += 1
        homes[node, default: Home()].bytes += entry.payload.event.count
    }

    private mutating func discharge(
        _ node: Incarnation, _ entry: Unanswered, _ outcome: inout Outcome
    ) {
        guard var home = homes.removeValue(forKey: node) else { return }
        home.count -= 1
        home.bytes -= entry.payload.event.count
        if home.wasRefused, home.count <= limits.payloadsMax / 2, home.bytes <= limits.bytesMax / 2
        {
            home.wasRefused = false
            outcome.hasRoom.append(node)
        }
        if home.count > 0 { homes[node] = home }
    }

    // MARK: Answers

    /// A node has answered the payload of this number that had this one as its first target.
    package mutating func take(
        _ answer: PayloadAnswer, to number: UInt64, for firstTarget: ConnectionID,
        from node: Incarnation
    ) -> Outcome {
        var outcome = Outcome()
        guard let entry = unanswered[number],
            let index = entry.awaited.firstIndex(where: {
                $0.node == node && $0.members.first == firstTarget
            })
        else { return outcome }
        unanswered[number]?.awaited.remove(at: index)
        discharge(node, entry, &outcome)
        if answer == .queued { unanswered[number]?.isKept = true }
        var homes: [ConnectionID: Incarnation] = [:]
        if case .moved(let moves) = answer {
            for move in moves { homes[move.connection] = move.home }
        }
        for member in entry.awaited[index].members {
            targets[member]?.sentCount -= 1
            guard let home = homes[member], !dead.contains(home) else { continue }
            hold(number, member, for: home)
            if home == node {
                targets[member]?.isEarly = true
                early.insert(member)
            }
        }
        for member in entry.awaited[index].members { proceed(member, &outcome) }
        finishIfAnswered(number, &outcome)
        return outcome
    }

    /// A while has passed: targets that were awaited where they are to be may be there.
    package mutating func tick() -> Outcome {
        var outcome = Outcome()
        for member in early.sorted() {
            targets[member]?.isEarly = false
            proceed(member, &outcome)
        }
        early = []
        return outcome
    }

    /// If nothing of a target is on its way any more, what was held back is sent.
    private mutating func proceed(_ member: ConnectionID, _ outcome: inout Outcome) {
        guard let target = targets[member], target.sentCount == 0, !target.isEarly else { return }
        targets[member] = nil
        var senders: Set<ConnectionID> = []
        for number in target.held {
            guard let entry = unanswered[number] else { continue }
            discharge(target.home, entry, &outcome)
            unanswered[number]?.heldCount -= 1
            if !dead.contains(target.nextHome) {
                let isAlone = senders.insert(entry.payload.sender).inserted
                let part = Awaited(node: target.nextHome, members: [member])
                targets[member, default: Target(home: part.node, nextHome: part.node)]
                    .sentCount += 1
                sendOut(number, part, isAlone: isAlone, &outcome)
            }
            finishIfAnswered(number, &outcome)
        }
        if targets[member] == nil, uncleared.remove(member) != nil {
            outcome.cleared.append(member)
        }
    }

    private mutating func finishIfAnswered(_ number: UInt64, _ outcome: inout Outcome) {
        guard let entry = unanswered[number], entry.awaited.isEmpty, entry.heldCount == 0 else {
            return
        }
        unanswered[number] = nil
        if let ticket = entry.payload.ticket {
            outcome.answers.append(.init(ticket: ticket, isKept: entry.isKept))
        }
        let sender = entry.payload.sender
        guard let count = counts[sender], count <= 1 else {
            counts[sender]? -= 1
            return
        }
        counts[sender] = nil
        if unsettled.remove(sender) != nil { outcome.settled.append(sender) }
    }

    /// A node was declared dead, and those who were to be told so have been: what it has not
    /// answered is for nobody, but for members that `home` knows elsewhere by now.
    package mutating func died(
        _ node: Incarnation, home: (ConnectionID) -> Incarnation?
    ) -> Outcome {
        var outcome = Outcome()
        guard dead.insert(node).inserted else { return outcome }
        if homes.removeValue(forKey: node)?.wasRefused == true { outcome.hasRoom.append(node) }
        var members: Set<ConnectionID> = []
        let numbers = unanswered.filter { $0.value.awaited.contains { $0.node == node } }.keys
        for number in numbers.sorted() {
            let parts = unanswered[number]?.awaited.filter { $0.node == node } ?? []
            unanswered[number]?.awaited.removeAll { $0.node == node }
            for member in parts.flatMap(\.members) {
                targets[member]?.sentCount -= 1
                members.insert(member)
                if let home = home(member), !dead.contains(home) { hold(number, member, for: home) }
            }
            finishIfAnswered(number, &outcome)
        }
        for (member, target) in targets where target.nextHome == node && !target.held.isEmpty {
            if let home = home(member) { targets[member]?.nextHome = home }
            members.insert(member)
        }
        for member in members.sorted() { proceed(member, &outcome) }
        return outcome
    }
}
