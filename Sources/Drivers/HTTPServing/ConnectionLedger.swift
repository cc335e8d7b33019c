import Glibc
import HTTPMessages
import Locking
import Monitoring

/// Who holds how many connections of a server, and who gives way when there are too many.
///
/// While there is room, an address may hold as many as its limit allows. Without room, a newcomer
/// takes the place of whoever holds most, as long as that leaves it with no more than that one has:
/// so no address keeps the others out, however it fills the places.
final class ConnectionLedger: Sendable {
    enum Refusal { case address, total }

    private struct State {
        var total = 0
        var holdings: [IPAddress: [Visit]] = [:]
        /// The addresses that hold so many, by that number.
        var levels: [Set<IPAddress>] = [[]]
        /// The most that one address holds.
        var highest = 0
        var figures = ConnectionFigures()
    }

    /// How many of an address's connections are looked at for one that may go.
    private static let candidatesMax = 32
    /// How many give way at once where descriptors are short.
    private static let relievedMax = 8

    private let totalMax: Int
    private let perAddressMax: Int
    private let state = Lock(State())

    /// - Parameters:
    ///   - totalMax: Connections in all.
    ///   - perAddressMax: Of one address; 0: any number.
    init(totalMax: Int, perAddressMax: Int) {
        self.totalMax = totalMax
        self.perAddressMax = perAddressMax
    }

    var figures: ConnectionFigures {
        state.withLock { state in
            var figures = state.figures
            figures.open = state.total
            return figures
        }
    }

    /// Whether somebody new could come in. False where every place is another address's: those who
    /// come now wait in the kernel's queue.
    var mayAccept: Bool { state.withLock { $0.total < totalMax || $0.highest > 1 } }

    /// Takes a newcomer in, or says why not.
    func admit(_ visit: Visit) -> Refusal? {
        state.withLock { state in
            let held = visit.isExempt ? 0 : state.holdings[visit.group]?.count ?? 0
            if perAddressMax > 0, held >= perAddressMax {
                state.figures.overAddressLimit += 1
                return .address
            }
            if state.total >= totalMax {
                guard state.highest > max(held + 1, 1), Self.endOne(&state) else {
                    state.figures.overTotalLimit += 1
                    return .total
                }
            }
            Self.add(visit, to: &state)
            return nil
        }
    }

    /// To be called before the descriptor is closed. Of no effect on one that has left already.
    func leave(_ visit: Visit) { state.withLock { Self.remove(visit, from: &$0) } }

    /// No descriptor is left for a newcomer: whoever holds most gives some back.
    func relieve() {
        state.withLock { state in
            state.figures.withoutDescriptor += 1
            var count = 0
            while count < Self.relievedMax, state.highest > 1, Self.endOne(&state) { count += 1 }
        }
    }

    /// Shuts down a connection of whoever holds most, one without an answer under way if there is
    /// any among those looked at, and of these the one that has been so for the longest.
    ///
    /// The descriptor is good: one that has begun leaves before it is closed, and to leave it waits
    /// for the lock. Returns false where there was none to end.
    private static func endOne(_ state: inout State) -> Bool {
        guard let holder = state.levels[state.highest].first,
            let candidates = state.holdings[holder]?.prefix(candidatesMax),
            let victim = candidates.filter({ $0.hasBegun.load(ordering: .relaxed) })
                .min(by: { rank($0) < rank($1) })
        else { return false }
        state.figures.gaveWay += 1
        remove(victim, from: &state)
        shutdown(victim.descriptor, Int32(SHUT_RDWR))
        return true
    }

    private static func rank(_ visit: Visit) -> (Int, Int) {
        (
            visit.isAnswering.load(ordering: .relaxed) ? 1 : 0,
            visit.since.load(ordering: .relaxed)
        )
    }

    private static func add(_ visit: Visit, to state: inout State) {
        state.total += 1
        visit.isListed = true
        guard !visit.isExempt else { return }
        let before = state.holdings[visit.group]?.count ?? 0
        visit.placeInHoldings = before
        state.holdings[visit.group, default: []].append(visit)
        move(visit.group, from: before, to: before + 1, &state)
    }

    private static func remove(_ visit: Visit, from state: inout State) {
        guard visit.isListed else { return }
        visit.isListed = false
        state.total -= 1
        guard !visit.isExempt, let before = state.holdings[visit.group]?.count else { return }
        let place = visit.placeInHoldings
        if before == 1 {
            state.holdings[visit.group] = nil
        } else if let last = state.holdings[visit.group]?.popLast(), last !== visit {
            state.holdings[visit.group]?[place] = last
            last.placeInHoldings = place
        }
        move(visit.group, from: before, to: before - 1, &state)
    }

    private static func move(
        _ group: IPAddress, from before: Int, to after: Int, _ state: inout State
    ) {
        if before > 0 { state.levels[before].remove(group) }
        if after > 0 {
            if after == state.levels.count { state.levels.append([]) }
            state.levels[after].insert(group)
        }
        state.highest = max(state.highest, after)
        while state.highest > 0, state.levels[state.highest].isEmpty { state.highest -= 1 }
    }
}
