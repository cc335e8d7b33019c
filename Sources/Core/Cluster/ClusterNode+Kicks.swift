package import Bytes
import Signalling

/// What became of an operator's wish to have a connection closed.
package enum KickOutcome: Equatable, Sendable {
    /// It was there, and is closed: at which node, by name; nil where there is no other.
    case closed(at: ByteText?)
    /// All nodes that live say that they have none such.
    case nowhere
    /// These have not answered, by name, and no other has it.
    case silent([ByteText])
}

extension ClusterNode {
    /// An operator waits for what became of a connection, wherever it is.
    struct Kick: Sendable {
        /// Nil for one that follows a session which has gone.
        let ticket: UInt64?
        let connection: ConnectionID
        let since: Int64
        var waitsFor: Set<Incarnation>
    }

    mutating func kick(
        _ connection: ConnectionID, _ ticket: UInt64, _ effects: inout [Effect]
    ) {
        lastKick += 1
        let others = keys.living
        kicks[lastKick] = Kick(
            ticket: ticket, connection: connection, since: now,
            waitsFor: Set(others + [incarnation]))
        for other in others { push(.kick(number: lastKick, connection), to: other) }
        kickers[connection, default: []].append((incarnation, lastKick))
        kickHere(connection, &effects)
    }

    /// One that is on its way here is kicked when it is known what becomes of it; one that is on
    /// its way to another node, or has gone there, by that one.
    mutating func kickHere(_ connection: ConnectionID, _ effects: inout [Effect]) {
        guard moves.takings[connection] == nil else {
            moves.kicks.insert(connection)
            return
        }
        guard let home = inbox.home(ofDeparted: connection), keys.isAlive(home) else {
            effects.append(.kick(connection))
            return
        }
        lastKick += 1
        kicks[lastKick] = Kick(
            ticket: nil, connection: connection, since: now, waitsFor: [home])
        push(.kick(number: lastKick, connection), to: home)
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

    mutating func kickAnswered(
        _ number: UInt64, by other: Incarnation, wasHere: Bool, _ effects: inout [Effect]
    ) {
        guard var kick = kicks[number], kick.waitsFor.remove(other) != nil else { return }
        // It is at one node alone: what the others say is the same.
        let isDone = wasHere || kick.waitsFor.isEmpty
        kicks[number] = isDone ? nil : kick
        guard isDone else { return }
        guard let ticket = kick.ticket else { return kicked(kick.connection, wasHere, &effects) }
        let outcome = wasHere ? KickOutcome.closed(at: keys.name(other)) : .nowhere
        effects.append(.kickAnswered(ticket: ticket, outcome))
    }

    mutating func endKicks(of other: Incarnation, _ effects: inout [Effect]) {
        for number in kicks.keys.sorted() {
            kickAnswered(number, by: other, wasHere: false, &effects)
        }
    }

    /// Whoever has not answered by now is told of by name: it may yet be dead.
    mutating func giveUpKicks(_ effects: inout [Effect]) {
        for number in kicks.keys.sorted() {
            guard let kick = kicks[number], now - kick.since > timing.kickWait else { continue }
            kicks[number] = nil
            guard let ticket = kick.ticket else {
                // Whoever asked tells this node as silent.
                kickers[kick.connection] = nil
                continue
            }
            let names = kick.waitsFor.sorted().map(keys.name)
            effects.append(.kickAnswered(ticket: ticket, .silent(names)))
        }
    }
}
