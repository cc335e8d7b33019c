import Signalling

/// What members say to others that are elsewhere, and what they hear from these.
extension ClusterNode {
    /// A member of this node says something to one that is elsewhere, or to all who are.
    package mutating func send(_ payload: OutgoingPayload) -> Sending {
        var effects: [Effect] = []
        guard let writer = rooms[payload.room.digest]?.writer else {
            if let ticket = payload.ticket {
                effects.append(.answered(ticket: ticket, isKept: false))
            }
            return .taken(effects)
        }
        var members: [Incarnation: [ConnectionID]] = [:]
        if payload.target == .room {
            for (member, home) in writer.elsewhere { members[home, default: []].append(member) }
        }
        switch source.send(payload, at: writer.toldRevision, to: members) {
        case .full(let other): return .full(other)
        case .taken(let outcome): perform(outcome, &effects)
        }
        return .taken(effects)
    }

    mutating func perform(_ outcome: PayloadSource.Outcome, _ effects: inout [Effect]) {
        for parcel in outcome.parcels {
            if parcel.node == incarnation {
                arrived(parcel.payload, from: incarnation, &effects)
            } else {
                push(.payload(parcel.payload), to: parcel.node)
            }
        }
        for answer in outcome.answers {
            effects.append(.answered(ticket: answer.ticket, isKept: answer.isKept))
        }
        for other in outcome.hasRoom { effects.append(.hasRoom(other)) }
        for connection in outcome.settled { settled(connection, &effects) }
    }

    mutating func tickPayloads(_ effects: inout [Effect]) {
        perform(source.tick(), &effects)
        for digest in lookUps.keys.sorted() {
            guard let (since, nextAt) = lookUps[digest], inbox.isWaiting(for: digest) else {
                lookUps[digest] = nil
                continue
            }
            if now - since > timing.payloadWait {
                // The version that its sender saw went with its bucket.
                lookUps[digest] = nil
                perform(inbox.learned(digest) { _, _ in true }, &effects)
            } else if now >= nextAt {
                lookUps[digest]?.nextAt = now + timing.lookUpEvery
                drive(digest, .recheck, &effects)
            }
        }
    }

    /// A node died, and whoever is to be told of that has been.
    mutating func payloadsDied(with other: Incarnation, _ effects: inout [Effect]) {
        perform(source.died(other) { _ in nil }, &effects)
        inbox.died(other)
    }

    /// With nothing sent, and nothing heard.
    mutating func beginPayloads() {
        source = PayloadSource()
        inbox = PayloadInbox(at: incarnation)
        for other in keys.gone { _ = source.died(other) { _ in nil } }
    }

    // MARK: At the other end

    mutating func arrived(
        _ payload: PayloadMail, from other: Incarnation, _ effects: inout [Effect]
    ) {
        perform(taken(payload, from: other), &effects)
    }

    private mutating func taken(
        _ payload: PayloadMail, from other: Incarnation
    ) -> [PayloadInbox.Step] {
        // Given back with the end of this: whoever writes to rooms then need not copy them.
        let rooms = rooms
        return inbox.take(payload, from: other) { Self.isReady(rooms[$0], $1) }
    }

    private mutating func learned(_ digest: RoomDigest) -> [PayloadInbox.Step] {
        let rooms = rooms
        return inbox.learned(digest) { Self.isReady(rooms[$0], $1) }
    }

    /// Its members know the room in this version or a later one, or there are none.
    private static func isReady(_ room: ClusterRoom?, _ revision: Revision) -> Bool {
        guard let room, room.writer.concernsAnybody else { return true }
        return room.writer.toldRevision >= revision
    }

    /// A version may be what something waits for.
    mutating func release(_ digest: RoomDigest, _ effects: inout [Effect]) {
        guard inbox.isWaiting(for: digest) else { return }
        perform(learned(digest), &effects)
    }

    private mutating func perform(_ steps: [PayloadInbox.Step], _ effects: inout [Effect]) {
        for step in steps {
            switch step {
            case .deliver(let payload, let receipt):
                guard let place = rooms[payload.room]?.place else {
                    answer(receipt, isTaken: false, &effects)
                    continue
                }
                effects.append(
                    .deliver(
                        IncomingPayload(
                            room: place, sender: payload.sender, targets: receipt.targets,
                            event: payload.event, receipt: receipt)))
            case .answer(let answer, let number, let target, let other):
                say(answer, to: number, target, other, &effects)
            case .lookUp(let digest):
                guard lookUps[digest] == nil else { continue }
                lookUps[digest] = (now, now + timing.lookUpEvery)
                drive(digest, .recheck, &effects)
            }
        }
    }

    mutating func delivered(
        _ receipt: PayloadInbox.Receipt, _ isTaken: Bool, _ effects: inout [Effect]
    ) {
        answer(receipt, isTaken: isTaken, &effects)
    }

    private mutating func answer(
        _ receipt: PayloadInbox.Receipt, isTaken: Bool, _ effects: inout [Effect]
    ) {
        guard
            case .answer(let answer, let number, let target, let other) =
                inbox.answer(to: receipt, isTaken: isTaken)
        else { return }
        // What was not taken may be taken elsewhere.
        if let said = say(answer, to: number, target, other, &effects), isTaken {
            inbox.noteAnswered(receipt, as: said)
        }
    }

    /// - Returns: Under which number it is said on the line.
    @discardableResult
    private mutating func say(
        _ answer: PayloadAnswer, to number: UInt64, _ target: ConnectionID, _ other: Incarnation,
        _ effects: inout [Effect]
    ) -> UInt64? {
        guard other != incarnation else {
            perform(source.take(answer, to: number, for: target, from: other), &effects)
            return nil
        }
        return push(.answer(number: number, target: target, answer), to: other)
    }
}
