import Signalling

/// What clients claim whose homes this node has never heard of: those may just have begun.
///
/// Anybody can name any number of homes, so each is looked at once in a while, and only the claims
/// of one at once.
struct UnheardHomes: Sendable {
    struct Wait: Sendable {
        let connection: ConnectionID
        let claim: SessionClaim
        let home: Incarnation
        /// How long that is waited for.
        let until: Int64

        var wish: HandOvers.Wish { HandOvers.Wish(claim: claim, home: home) }

        func isWanted(_ wanted: [ConnectionID: [SessionClaim: Int64]]) -> Bool {
            wanted[connection]?[claim] == until
        }
    }

    private struct Home: Sendable {
        var waits: [Wait] = []
        /// It is looked for in the store, or is to be.
        var isSought = false
    }

    /// How many homes are looked for in the store at once.
    private static let searchesMax = 16

    private var homes: [Incarnation: Home] = [:]
    /// When to look at each of them.
    private var line = Ring<(due: Int64, home: Incarnation)>()
    /// Those that are to be looked for, in the order of claims, and that are.
    private var sought = Ring<Incarnation>()
    private var searches: Set<Incarnation> = []
    /// `NodeKeys.learned` when they were last compared with what is known.
    private var learned = 0

    /// Looked at when `due`.
    mutating func add(_ wait: Wait, due: Int64) {
        if homes[wait.home] == nil { line.append((due, wait.home)) }
        homes[wait.home, default: Home()].waits.append(wait)
    }

    /// Takes out what waits for homes of which something is known by now.
    mutating func takeHeard(_ keys: NodeKeys) -> [Wait] {
        guard learned != keys.learned else { return [] }
        learned = keys.learned
        var heard: [Wait] = []
        for home in homes.keys.sorted() where !keys.isUnheard(home) {
            heard += homes[home]?.waits ?? []
            homes[home]?.waits = []
        }
        return heard
    }

    /// Takes out what has waited for too long, of the homes that are due; the others come to be due
    /// again `later`, and are looked for where the store can say something.
    mutating func takeLate(
        _ now: Int64, later: Int64, knowsStore: Bool,
        _ wanted: [ConnectionID: [SessionClaim: Int64]]
    ) -> [Wait] {
        var late: [Wait] = []
        while let (due, home) = line.first, due <= now {
            _ = line.removeFirst()
            let waits = (homes[home]?.waits ?? []).filter { $0.isWanted(wanted) }
            let rest = waits.filter { $0.until > now }
            late += waits.filter { $0.until <= now }
            guard !rest.isEmpty else {
                homes[home] = nil
                continue
            }
            homes[home]?.waits = rest
            line.append((later, home))
            guard knowsStore, homes[home]?.isSought == false else { continue }
            homes[home]?.isSought = true
            sought.append(home)
        }
        return late
    }

    /// The next that is to be looked for, as long as few are.
    mutating func nextSearch() -> Incarnation? {
        guard searches.count < Self.searchesMax else { return nil }
        while !sought.isEmpty {
            let home = sought.removeFirst()
            // Else nobody waits for it any more.
            guard homes[home]?.isSought == true else { continue }
            searches.insert(home)
            return home
        }
        return nil
    }

    /// - Returns: Whether it was looked for.
    mutating func noteSearched(_ home: Incarnation) -> Bool {
        homes[home]?.isSought = false
        return searches.remove(home) != nil
    }

    /// What was looked for will not be answered.
    mutating func forgetSearches() {
        (sought, searches) = (Ring(), [])
        for home in homes.keys { homes[home]?.isSought = false }
    }

    /// Takes out what waits for this one until then or for less.
    mutating func take(_ home: Incarnation, upTo latest: Int64) -> [Wait] {
        let waits = homes[home]?.waits ?? []
        homes[home]?.waits = waits.filter { $0.until > latest }
        return waits.filter { $0.until <= latest }
    }
}
