import Rooms
import Signalling

extension RoomWriter {
    mutating func proceed(mayAsk: Bool, _ effects: inout [Effect]) {
        guard case .none = flight else { return }
        // Where the last member has left, there is nothing to prove and nobody to write back.
        if !hasToWriteBack, restoring == .writingBack { restoring = .waiting }
        if own.isEmpty, restoring == .proving { restoring = .no }
        guard mayAsk else { return }
        let mayEnter = hasNewcomers && restoring == .no
        if !mustRead, mustWrite || !leaves.isEmpty || mayEnter {
            let attempt = attempt()
            // Only a write shows that one who was to come is not there.
            let isChange = attempt.document != known?.document || !attempt.gone.isEmpty
            if mustWrite || isChange || !adoptions.isEmpty && mayEnter {
                request += 1
                flight = .writing(attempt)
                effects.append(.write(attempt.document, from: attempt.base, request: request))
                return
            }
            settle(attempt, &effects)
        }
        guard mustRead else { return }
        request += 1
        flight = .reading
        effects.append(.read(request: request))
    }

    /// Nothing of what was asked for changes anything.
    mutating func settle(_ attempt: Attempt, _ effects: inout [Effect]) {
        for connection in attempt.leaves.sorted() {
            leaves[connection] = nil
            own[connection] = nil
            effects.append(.left(connection))
        }
        for join in joins {
            guard let error = attempt.refusals[join.number] else { continue }
            if join.isChecked { refuse(join.number, error, &effects) } else { mustRead = true }
        }
    }

    func attempt() -> Attempt {
        var document =
            known?.document
            ?? RoomDocument(epoch: epoch, clientID: clientID, name: name, after: told.lastOrder)
        let mayCome = restoring == .no || restoring == .writingBack
        // Whoever comes from a node that died meanwhile has not gone with it.
        let gone = mayCome ? moveIn(&document) : [:]
        if restoring == .writingBack { moveHome(&document) }
        for (connection, seat) in document.seats.sorted(by: { $0.key < $1.key }) {
            if dead.contains(seat.home) {
                document.leave(connection, .lost)
            } else if let reason = leaves[connection], seat.home == node {
                document.leave(connection, reason)
            } else if isGhost(connection, seat) {
                clear(connection, in: &document)
            }
        }
        if restoring == .writingBack { writeBack(into: &document) }
        var refusals: [UInt64: SignalError] = [:]
        if restoring == .no {
            for join in joins {
                do throws(SignalError) {
                    _ = try document.join(
                        join.member, at: node, hasSDP: join.hasSDP, membersMax: membersMax)
                } catch {
                    refusals[join.number] = error
                }
            }
        }
        return Attempt(
            document: document, base: known?.revision ?? .absent, newest: newest,
            leaves: Set(leaves.keys), refusals: refusals, gone: gone,
            isProof: restoring == .proving)
    }
}
