import Signalling

extension ClusterNode {
    /// Sends what can't wait, however full the line is.
    ///
    /// - Returns: Its number on the line; nil where there is none.
    @discardableResult
    mutating func push(_ mail: ClusterMail, to other: Incarnation) -> UInt64? {
        guard other != incarnation, mayHear(other) else { return nil }
        stir(other)
        let own = incarnation
        return lines.change(other, default: ClusterLine(from: own, to: other)) {
            $0.push(mail)
        }
    }

    /// Sends a version of a room, unless a later one goes before the line takes it; `members` are
    /// those of whom something may be told with it.
    mutating func offer(
        _ room: RoomDigest, _ revision: Revision, _ bytes: [UInt8], sdps: [JoinerSDP],
        of document: RoomDocument, to other: Incarnation
    ) {
        guard other != incarnation, mayHear(other) else { return }
        stir(other)
        let own = incarnation
        lines.change(other, default: ClusterLine(from: own, to: other)) { line in
            line.offer(room, revision, bytes, sdps: sdps) { document.seats[$0] != nil }
        }
    }

    private func mayHear(_ other: Incarnation) -> Bool {
        if case .condemned = keys.standing { return false }
        return keys.gone.isEmpty || !keys.gone.contains(other)
    }

    /// There may be something for it when the turn ends.
    mutating func stir(_ other: Incarnation) {
        // They are few, and mostly it is the one before.
        if stirred.last != other, !stirred.contains(other) { stirred.append(other) }
    }

    /// All that there is for other nodes goes, in as few frames as it takes.
    mutating func publish(_ effects: inout [Effect]) {
        sayUnsaid()
        guard !stirred.isEmpty else { return }
        for other in stirred.sorted() {
            while let frame = lines.change(other, { $0.nextFrame() }) ?? nil {
                effects.append(.frame(frame, to: other))
            }
        }
        stirred = []
    }

    /// What was taken in this turn is said to have been.
    mutating func sayUnsaid() {
        for (other, taken) in inbox.takeUnsaid() {
            if let answer = push(.queued(taken.names), to: other) {
                inbox.noteAnswered(taken, of: other, as: answer)
            }
        }
    }

    /// A frame from another node; nothing where it is none, or of one that takes no part.
    mutating func arrived(_ bytes: [UInt8], _ effects: inout [Effect]) {
        guard let frame = try? ClusterFrame(bytes) else {
            tally.unreadable += 1
            return
        }
        guard frame.receiver == incarnation, keys.isAlive(frame.sender), standing != .condemned,
            !isShelved
        else { return }
        let other = frame.sender
        tally.framesReceived += 1
        let own = incarnation
        let arrival = lines.change(
            other, default: ClusterLine(from: own, to: other)
        ) { $0.receive(frame) }
        stir(other)
        tally.unreadable += arrival.unreadableCount
        if !arrival.answered.isEmpty {
            inbox.confirmed(upTo: arrival.answered.upperBound - 1, by: other)
        }
        effects.reserveCapacity(effects.count + arrival.mails.count)
        for mail in arrival.mails { read(mail, from: other, &effects) }
    }

    private mutating func read(
        _ mail: ClusterMail, from other: Incarnation, _ effects: inout [Effect]
    ) {
        switch mail {
        case .document(let room, let revision, let bytes, let sdps):
            announced(room, revision, bytes, sdps, by: other, &effects)
        case .seen(let room, let revision, let epoch):
            // For one that rests nobody waits.
            guard !rooms.isResting(room), rooms[room]?.writer.epoch == epoch else { return }
            drive(room, .acknowledged(revision, by: other), &effects)
        case .payload(let payload): arrived(payload, from: other, &effects)
        case .answer(let number, let target, let answer):
            answered(answer, to: number, for: target, by: other, &effects)
        case .queued(let names): perform(source.take(queued: names, from: other), &effects)
        case .kick(let number, let connection):
            kickers[connection, default: []].append((other, number))
            kickHere(connection, &effects)
        case .kickAnswer(let number, let wasHere):
            kickAnswered(number, by: other, wasHere: wasHere, &effects)
        case .askSDP(let room, let connection):
            push(.sdp(room, connection, rooms[room]?.sdps[connection]?.bytes), to: other)
        case .sdp(let room, let connection, let sdp):
            heardSDP(room, connection, sdp, &effects)
        case .handOver(let mail): read(mail, from: other, &effects)
        case .listing(let mail): read(mail, from: other, &effects)
        // Parts are joined by the line.
        case .part: return
        case .later: tally.passedOver += 1
        }
    }
}
