package import Signalling

/// What this node's members say to members elsewhere, until it is answered.
///
/// Payloads are numbered once, over all lines. What is unanswered of one target is at one node
/// alone: where its home is another by now, what comes next waits until all before it is answered,
/// and what was not taken there goes to the new home under the number that it had.
package struct PayloadSource: Sendable {
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
    private var unanswered = NumberTable<Unanswered>()
    /// By their incarnations.
    private var homes = NumberTable<Home>()
    private var targets = NumberTable<Target>()
    private var early: Set<ConnectionID> = []
    /// How many are unanswered, by sender.
    private var counts = NumberTable<Int>()
    private var unsettled: Set<ConnectionID> = []
    private var uncleared: Set<ConnectionID> = []
    private var dead: Set<Incarnation> = []

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    // MARK: Looking

    /// Nothing is unanswered.
    package var isIdle: Bool { unanswered.isEmpty }
    /// In which room it was said; nil once it is answered.
    package func room(of number: UInt64) -> RoomDigest? {
        unanswered[number]?.payload.room.digest
    }
    /// The rooms of what this node has not answered, or may have to.
    package func rooms(unansweredBy node: Incarnation) -> Set<RoomDigest> {
        var rooms: Set<RoomDigest> = []
        unanswered.forEach { _, entry in
            guard entry.heldCount > 0 || entry.awaits(node) else { return }
            rooms.insert(entry.payload.room.digest)
        }
        return rooms
    }
    /// How many payloads of this sender are unanswered.
    package func unansweredCount(of sender: ConnectionID) -> Int { counts[sender.raw] ?? 0 }

    /// Whether nothing of this sender is unanswered; if not, an outcome will name it once.
    package mutating func awaitSettled(_ sender: ConnectionID) -> Bool {
        guard counts.contains(sender.raw) else { return true }
        unsettled.insert(sender)
        return false
    }

    /// Whether nothing to this target is unanswered; if not, an outcome will name it once. Until
    /// then all that is said to it has to come here, also where it has moved to this node.
    package mutating func awaitClear(_ target: ConnectionID) -> Bool {
        guard targets.contains(target.raw) else { return true }
        uncleared.insert(target)
        return false
    }

    private func isDead(_ node: Incarnation) -> Bool { !dead.isEmpty && dead.contains(node) }

    // MARK: Sending

    /// `revision` is the room's, as the sender's node knows it; `members` are those of
    /// `Target.members`, by their homes.
    package mutating func send(
        _ payload: OutgoingPayload, at revision: Revision,
        to members: [Incarnation: [ConnectionID]] = [:]
    ) -> Sent {
        if case .member(let member, let home) = payload.target,
            let mail = sendAtOnce(payload, at: revision, to: member, at: home)
        {
            var outcome = Outcome()
            outcome.append(Parcel(node: home, payload: mail))
            return .taken(outcome)
        }
        let isTooLong = payload.event.count > Self.eventBytesMax
        let isForMany = if case .members = payload.target { true } else { false }
        var entry = Unanswered(payload, revision, isKept: isForMany && !isTooLong)
        var outcome = Outcome()
        if case .member(let member, let home) = payload.target {
            if !isTooLong, !isDead(home) {
                guard mayTake(payload, at: home) else { return .full(home) }
                begin(payload)
                send(&entry, Awaited(node: home, members: PayloadTargets(member)), &outcome)
            } else {
                begin(payload)
            }
        } else {
            let parts = members.sorted { $0.key < $1.key }.filter {
                !isTooLong && !isDead($0.key) && !$0.value.isEmpty
            }
            for (node, _) in parts where !mayTake(payload, at: node) { return .full(node) }
            begin(payload)
            for (node, members) in parts {
                send(&entry, Awaited(node: node, members: PayloadTargets(members)), &outcome)
            }
        }
        keep(entry, lastNumber, &outcome)
        return .taken(outcome)
    }

    /// The same for one that is for a single member, where nothing is in its way: nil where `send`
    /// has to say what is to be done. It goes to the member's home.
    package mutating func sendAtOnce(
        _ payload: OutgoingPayload, at revision: Revision, to member: ConnectionID,
        at home: Incarnation
    ) -> PayloadMail? {
        guard payload.event.count <= Self.eventBytesMax, !isDead(home),
            mayTake(payload, at: home), let sent = note(member, at: home)
        else { return nil }
        begin(payload)
        let mail = PayloadMail(
            number: lastNumber, room: payload.room.digest, revision: revision,
            sender: payload.sender, targets: PayloadTargets(member), isAlone: sent == 1,
            event: payload.event)
        var entry = Unanswered(payload, revision, isKept: false)
        entry.expect(Awaited(node: home, members: mail.targets))
        charge(home, entry)
        unanswered.set(lastNumber, entry)
        return mail
    }

    private mutating func begin(_ payload: OutgoingPayload) {
        lastNumber += 1
        counts.change(payload.sender.raw, default: 0) { $0 += 1 }
    }

    private mutating func mayTake(_ payload: OutgoingPayload, at node: Incarnation) -> Bool {
        let (limits, bytes) = (limits, payload.event.count)
        let isRefused = homes.change(node.raw) { home in
            home.refuses(payload.room.share, bytes, limits)
        }
        return isRefused != true
    }

    /// Sends to those members of whom nothing is elsewhere, and holds it back for the others.
    private mutating func send(
        _ entry: inout Unanswered, _ part: Awaited, _ outcome: inout Outcome
    ) {
        var ready: [ConnectionID] = []
        var (isAlone, isWhole) = (true, true)
        for member in part.members {
            let sent = note(member, at: part.node)
            if let sent {
                isAlone = isAlone && sent == 1
                if part.members.count > 1 { ready.append(member) }
            } else {
                isWhole = false
                hold(lastNumber, &entry, member, for: part.node)
            }
        }
        guard isWhole || !ready.isEmpty else { return }
        let members = isWhole ? part.members : PayloadTargets(ready)
        let awaited = Awaited(node: part.node, members: members)
        sendOut(lastNumber, &entry, awaited, isAlone: isAlone, &outcome)
    }

    /// - Returns: How much is on its way to a member from now on; nil where something of it is
    ///   elsewhere, or waits.
    private mutating func note(_ member: ConnectionID, at node: Incarnation) -> Int? {
        targets.change(member.raw, default: Target(home: node, nextHome: node)) { target in
            guard target.home == node, target.held.isEmpty else { return nil }
            target.sentCount += 1
            return target.sentCount
        }
    }

    private mutating func sendOut(
        _ number: UInt64, _ entry: inout Unanswered, _ awaited: Awaited, isAlone: Bool,
        _ outcome: inout Outcome
    ) {
        entry.expect(awaited)
        charge(awaited.node, entry)
        outcome.append(
            Parcel(
                node: awaited.node,
                payload: PayloadMail(
                    number: number, room: entry.payload.room.digest, revision: entry.revision,
                    sender: entry.payload.sender, targets: awaited.members,
                    isAlone: isAlone, event: entry.payload.event)))
    }

    private mutating func hold(
        _ number: UInt64, _ entry: inout Unanswered, _ member: ConnectionID, for home: Incarnation
    ) {
        let former = targets.change(member.raw) { target in
            let place = target.held.lastIndex { $0 < number }.map { $0 + 1 } ?? 0
            target.held.insert(number, at: place)
            target.nextHome = home
            return target.home
        }
        guard let former else { return }
        entry.heldCount += 1
        charge(former, entry)
    }

    private mutating func charge(_ node: Incarnation, _ entry: Unanswered) {
        guard !isDead(node) else { return }
        let bytes = entry.payload.event.count
        homes.change(node.raw, default: Home()) { $0.add(entry.payload.room.share, bytes) }
    }

    private mutating func discharge(
        _ node: Incarnation, _ entry: Unanswered, _ outcome: inout Outcome
    ) {
        let (limits, bytes) = (limits, entry.payload.event.count)
        let hasRoom = homes.change(node.raw) { home in
            home.remove(entry.payload.room.share, bytes, limits)
        }
        if hasRoom == true { outcome.hasRoom.append(node) }
    }

    // MARK: Answers

    /// A node has answered the payload of this number that had this one as its first target.
    package mutating func take(
        _ answer: PayloadAnswer, to number: UInt64, for firstTarget: ConnectionID,
        from node: Incarnation
    ) -> Outcome {
        var outcome = Outcome()
        take(answer, to: PayloadName(number, firstTarget), from: node, &outcome)
        return outcome
    }

    /// The same for several that are queued.
    package mutating func take(queued names: [PayloadName], from node: Incarnation) -> Outcome {
        var outcome = Outcome()
        for name in names where !takeAtOnce(name, from: node, &outcome) {
            take(.queued, to: name, from: node, &outcome)
        }
        return outcome
    }

    /// What most answers are: that the only one whom it was for has it, and nothing waits for that.
    private mutating func takeAtOnce(
        _ name: PayloadName, from node: Incarnation, _ outcome: inout Outcome
    ) -> Bool {
        let isOnly = unanswered.change(name.number) { $0.isOnly(name.target, at: node) }
        guard isOnly == true, let entry = unanswered.remove(name.number) else { return false }
        discharge(node, entry, &outcome)
        end(entry.payload, isKept: true, &outcome)
        let isLast = targets.change(name.target.raw) { target in
            target.sentCount -= 1
            return target.sentCount == 0
        }
        if isLast == true { proceed(name.target, &outcome) }
        return true
    }

    private mutating func take(
        _ answer: PayloadAnswer, to name: PayloadName, from node: Incarnation,
        _ outcome: inout Outcome
    ) {
        guard var entry = unanswered.remove(name.number) else { return }
        guard let awaited = entry.take(name.target, at: node) else {
            return unanswered.set(name.number, entry)
        }
        discharge(node, entry, &outcome)
        if answer == .queued { entry.isKept = true }
        for member in awaited.members { targets.change(member.raw) { $0.sentCount -= 1 } }
        if case .moved(let moves) = answer {
            for member in awaited.members {
                let home = moves.last { $0.connection == member }?.home
                guard let home, !isDead(home) else { continue }
                hold(name.number, &entry, member, for: home)
                guard home == node else { continue }
                targets.change(member.raw) { $0.isEarly = true }
                early.insert(member)
            }
        }
        keep(entry, name.number, &outcome)
        for member in awaited.members { proceed(member, &outcome) }
    }

    /// A while has passed: targets that were awaited where they are to be may be there.
    package mutating func tick() -> Outcome {
        var outcome = Outcome()
        for member in early.sorted() {
            targets.change(member.raw) { $0.isEarly = false }
            proceed(member, &outcome)
        }
        early = []
        return outcome
    }

    /// If nothing of a target is on its way any more, what was held back is sent.
    private mutating func proceed(_ member: ConnectionID, _ outcome: inout Outcome) {
        let mayProceed = targets.change(member.raw) { $0.sentCount == 0 && !$0.isEarly }
        guard mayProceed == true, let target = targets.remove(member.raw) else { return }
        var senders: Set<ConnectionID> = []
        for number in target.held {
            guard var entry = unanswered.remove(number) else { continue }
            discharge(target.home, entry, &outcome)
            entry.heldCount -= 1
            if !isDead(target.nextHome) {
                let isAlone = senders.insert(entry.payload.sender).inserted
                let part = Awaited(node: target.nextHome, members: PayloadTargets(member))
                _ = note(member, at: part.node)
                sendOut(number, &entry, part, isAlone: isAlone, &outcome)
            }
            keep(entry, number, &outcome)
        }
        if !uncleared.isEmpty, !targets.contains(member.raw), uncleared.remove(member) != nil {
            outcome.cleared.append(member)
        }
    }

    /// Waits for what is still to be answered, if there is something.
    private mutating func keep(
        _ entry: consuming Unanswered, _ number: UInt64, _ outcome: inout Outcome
    ) {
        guard entry.isAnswered else { return unanswered.set(number, entry) }
        end(entry.payload, isKept: entry.isKept, &outcome)
    }

    private mutating func end(
        _ payload: OutgoingPayload, isKept: Bool, _ outcome: inout Outcome
    ) {
        if let ticket = payload.ticket {
            outcome.answers.append(.init(ticket: ticket, isKept: isKept))
        }
        let sender = payload.sender
        let left = counts.change(sender.raw) { count in
            count -= 1
            return count
        }
        guard left == 0 else { return }
        counts.remove(sender.raw)
        if !unsettled.isEmpty, unsettled.remove(sender) != nil { outcome.settled.append(sender) }
    }

    /// Somebody came who is still to be told of a node's death: what is said there waits again.
    package mutating func mourn(_ node: Incarnation) { dead.remove(node) }

    /// A node was declared dead, and those who were to be told so have been: what it has not
    /// answered is for nobody, but for members that `home` knows elsewhere by now.
    package mutating func died(
        _ node: Incarnation, home: (ConnectionID) -> Incarnation?
    ) -> Outcome {
        var outcome = Outcome()
        guard dead.insert(node).inserted else { return outcome }
        if homes.remove(node.raw)?.wasRefused == true { outcome.hasRoom.append(node) }
        var members: Set<ConnectionID> = []
        var numbers: [UInt64] = []
        unanswered.forEach { if $1.awaits(node) { numbers.append($0) } }
        for number in numbers.sorted() {
            guard var entry = unanswered.remove(number) else { continue }
            for member in entry.takeAll(at: node).flatMap(\.members) {
                targets.change(member.raw) { $0.sentCount -= 1 }
                members.insert(member)
                if let home = home(member), !isDead(home) {
                    hold(number, &entry, member, for: home)
                }
            }
            keep(entry, number, &outcome)
        }
        var held: [ConnectionID] = []
        targets.forEach { member, target in
            guard target.nextHome == node, !target.held.isEmpty else { return }
            held.append(ConnectionID(raw: member))
        }
        for member in held {
            if let home = home(member) { targets.change(member.raw) { $0.nextHome = home } }
            members.insert(member)
        }
        for member in members.sorted() { proceed(member, &outcome) }
        return outcome
    }
}
