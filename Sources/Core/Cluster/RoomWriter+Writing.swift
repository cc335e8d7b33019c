import Rooms
import Signalling

extension RoomWriter {
    mutating func proceed(mayAsk: Bool, _ effects: inout [Effect]) {
        guard case .none = flight else { return }
        // Where the last member has left, there is nothing to prove and nobody to write back.
        if own.isEmpty, restoring == .writingBack { restoring = .waiting }
        if own.isEmpty, restoring == .proving { restoring = .no }
        guard mayAsk else { return }
        if !mustRead, mustWrite || !leaves.isEmpty || !joins.isEmpty && restoring == .no {
            let attempt = attempt()
            if mustWrite || attempt.document != known?.document {
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
        for (connection, seat) in document.seats.sorted(by: { $0.key < $1.key }) {
            if dead.contains(seat.home) {
                document.leave(connection, .lost)
            } else if leaves[connection] != nil || isGhost(connection, seat), seat.home == node {
                document.leave(connection, leaves[connection] ?? .lost)
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
            leaves: Set(leaves.keys), refusals: refusals, isProof: restoring == .proving)
    }

    func writeBack(into document: inout RoomDocument) {
        let members = own.compactMap { connection, seat in
            leaves[connection] == nil ? told.member(connection).map { ($0, seat) } : nil
        }
        document.restore(members, past, after: told.lastOrder)
    }
}
