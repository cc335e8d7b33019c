/// A bounded table of tokens. When it is full, one that nobody asked for since the hand last passed
/// makes room (the CLOCK algorithm), so that what is used stays.
struct TokenTable: Sendable {
    private struct Slot: Sendable {
        var token: RememberedToken
        var isUsed = false
    }

    /// How many slots one insertion looks at: the lock is held for no longer than that takes.
    private static let stepsMax = 32

    private let capacity: Int
    private var slots: [Slot] = []
    private var indexOf: [TokenTail: Int] = [:]
    private var hand = 0

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { slots.count }

    mutating func find(_ tail: TokenTail) -> RememberedToken? {
        guard let index = indexOf[tail] else { return nil }
        slots[index].isUsed = true
        return slots[index].token
    }

    /// `now`, in seconds since the epoch, tells which tokens have run out.
    mutating func insert(_ token: RememberedToken, now: Int64) {
        if let index = indexOf[token.tail] {
            slots[index] = Slot(token: token)
            return
        }
        sweep(now: now)
        if slots.count >= capacity { makeRoom(now: now) }
        indexOf[token.tail] = slots.count
        slots.append(Slot(token: token))
    }

    mutating func remove(_ tail: TokenTail) {
        if let index = indexOf[tail] { remove(at: index) }
    }

    mutating func removeAll(where isDoomed: (RememberedToken) -> Bool) {
        for index in slots.indices.reversed() where isDoomed(slots[index].token) {
            remove(at: index)
        }
    }

    /// Drops up to two tokens that have run out, so that the table empties as fast as it is filled.
    private mutating func sweep(now: Int64) {
        for _ in 0..<2 where !slots.isEmpty {
            advance()
            if slots[hand].token.goodUntil <= now { remove(at: hand) }
        }
    }

    private mutating func makeRoom(now: Int64) {
        for _ in 0..<Self.stepsMax {
            advance()
            guard slots[hand].isUsed, slots[hand].token.goodUntil > now else { break }
            slots[hand].isUsed = false
        }
        remove(at: hand)
    }

    private mutating func advance() { hand = hand + 1 < slots.count ? hand + 1 : 0 }

    /// The last slot moves into the gap.
    private mutating func remove(at index: Int) {
        indexOf[slots[index].token.tail] = nil
        let last = slots.removeLast()
        guard index < slots.count else { return }
        slots[index] = last
        indexOf[last.token.tail] = index
    }
}
