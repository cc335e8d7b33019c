import Signalling

extension ClusterNode {
    /// Sends what can't wait, however full the line is.
    ///
    /// - Returns: Its number on the line; nil where there is none.
    @discardableResult
    mutating func push(_ mail: ClusterMail, to other: Incarnation) -> UInt64? {
        guard other != incarnation, !keys.gone.contains(other), standing != .condemned else {
            return nil
        }
        open(lineTo: other)
        stirred.insert(other)
        return lines[other]?.push(mail)
    }

    private mutating func open(lineTo other: Incarnation) {
        if lines[other] == nil { lines[other] = ClusterLine(from: incarnation, to: other) }
    }

    /// All that there is for other nodes goes, in as few frames as it takes.
    mutating func publish(_ effects: inout [Effect]) {
        guard !stirred.isEmpty else { return }
        for other in stirred.sorted() {
            while let frame = lines[other]?.nextFrame() { effects.append(.frame(frame, to: other)) }
        }
        stirred = []
    }

    /// A frame from another node; nothing where it is none, or of one that takes no part.
    mutating func arrived(_ bytes: [UInt8], _ effects: inout [Effect]) {
        guard let frame = try? ClusterFrame(bytes), frame.receiver == incarnation,
            keys.isAlive(frame.sender), standing != .condemned
        else { return }
        let other = frame.sender
        open(lineTo: other)
        guard let arrival = lines[other]?.receive(frame) else { return }
        stirred.insert(other)
        if !arrival.answered.isEmpty {
            inbox.confirmed(upTo: arrival.answered.upperBound - 1, by: other)
        }
        for mail in arrival.mails { read(mail, from: other, &effects) }
    }

    private mutating func read(
        _ mail: ClusterMail, from other: Incarnation, _ effects: inout [Effect]
    ) {
        switch mail {
        case .document(let room, let revision, let bytes, let sdps):
            announced(room, revision, bytes, sdps, by: other, &effects)
        case .seen(let room, let revision, let epoch):
            guard rooms[room]?.writer.epoch == epoch else { return }
            drive(room, .acknowledged(revision, by: other), &effects)
        case .payload(let payload): arrived(payload, from: other, &effects)
        case .answer(let number, let target, let answer):
            perform(source.take(answer, to: number, for: target, from: other), &effects)
        case .kick(let number, let connection):
            kickers[connection, default: []].append((other, number))
            effects.append(.kick(connection))
        case .kickAnswer(let number, let wasHere):
            kickAnswered(number, by: other, wasHere: wasHere, &effects)
        case .askSDP(let room, let connection):
            push(.sdp(room, connection, rooms[room]?.sdps[connection]), to: other)
        case .sdp(let room, let connection, let sdp):
            heardSDP(room, connection, sdp, &effects)
        // No session goes to another node yet.
        case .handOver(.take(let attempt, _, _)):
            push(.handOver(.refuse(attempt: attempt, .unknown)), to: other)
        // Parts are joined by the line.
        case .handOver, .part: return
        }
    }

    // MARK: Kicks

    /// An operator waits for what became of a connection, wherever it is.
    struct Kick: Sendable {
        let ticket: UInt64
        var waitsFor: Set<Incarnation>
    }

    mutating func kick(
        _ connection: ConnectionID, _ ticket: UInt64, _ effects: inout [Effect]
    ) {
        lastKick += 1
        let others = keys.living
        kicks[lastKick] = Kick(ticket: ticket, waitsFor: Set(others + [incarnation]))
        for other in others { push(.kick(number: lastKick, connection), to: other) }
        kickers[connection, default: []].append((incarnation, lastKick))
        effects.append(.kick(connection))
    }

    mutating func kicked(
        _ connection: ConnectionID, _ wasHere: Bool, _ effects: inout [Effect]
    ) {
        for (node, number) in kickers.removeValue(forKey: connection) ?? [] {
            if node == incarnation {
                kickAnswered(number, by: node, wasHere: wasHere, &effects)
            } else {
                push(.kickAnswer(number: number, wasHere: wasHere), to: node)
            }
        }
    }

    private mutating func kickAnswered(
        _ number: UInt64, by other: Incarnation, wasHere: Bool, _ effects: inout [Effect]
    ) {
        guard var kick = kicks[number], kick.waitsFor.remove(other) != nil else { return }
        // It is at one node alone: what the others say is the same.
        let isDone = wasHere || kick.waitsFor.isEmpty
        kicks[number] = isDone ? nil : kick
        if isDone { effects.append(.kickAnswered(ticket: kick.ticket, wasThere: wasHere)) }
    }

    mutating func endKicks(of other: Incarnation, _ effects: inout [Effect]) {
        for number in kicks.keys.sorted() {
            kickAnswered(number, by: other, wasHere: false, &effects)
        }
    }
}
