/// Values by numbers that nobody outside has chosen: counted ones, or random ones of our own. The
/// bits of such a number are hash enough, so that a step costs a fraction of a dictionary's.
struct NumberTable<Value: Sendable>: Sendable {
    private struct Head {
        var key: UInt64 = 0
        var isTaken = false
    }

    /// As many as a power of two, and a third of them free at least; apart from the values, so that
    /// a search meets nothing else.
    private var heads: [Head] = []
    private var places: [Value?] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Where a number is, or the free place at which it would be.
    private func place(of key: UInt64) -> (index: Int, isFound: Bool) {
        let mask = heads.count &- 1
        var index = Self.home(of: key) & mask
        while heads[index].isTaken {
            if heads[index].key == key { return (index, true) }
            index = (index &+ 1) & mask
        }
        return (index, false)
    }

    /// Numbers that are counted lie one behind the other with a gap between, so that what is met
    /// together is found together; random ones lie anywhere.
    private static func home(of key: UInt64) -> Int {
        Int(truncatingIfNeeded: key &<< 1 | key &>> 63)
    }

    subscript(_ key: UInt64) -> Value? {
        guard !isEmpty else { return nil }
        let (index, isFound) = place(of: key)
        return isFound ? places[index] : nil
    }

    func contains(_ key: UInt64) -> Bool { !isEmpty && place(of: key).isFound }

    /// Changes the value of a number where it stands.
    ///
    /// - Returns: What `body` returns; nil where there is no such number.
    @inline(__always)
    mutating func change<Result>(_ key: UInt64, _ body: (inout Value) -> Result) -> Result? {
        guard !isEmpty else { return nil }
        let (index, isFound) = place(of: key)
        guard isFound else { return nil }
        return Self.change(&places[index], body)
    }

    /// The same; where there is none it begins with `value`.
    @inline(__always)
    mutating func change<Result>(
        _ key: UInt64, default value: @autoclosure () -> Value, _ body: (inout Value) -> Result
    ) -> Result {
        if count &* 3 >= places.count &* 2 { grow() }
        let (index, isFound) = place(of: key)
        if !isFound {
            heads[index] = Head(key: key, isTaken: true)
            places[index] = value()
            count &+= 1
        }
        guard let result = Self.change(&places[index], body) else {
            preconditionFailure("it was just found")
        }
        return result
    }

    @inline(__always)
    private static func change<Result>(
        _ place: inout Value?, _ body: (inout Value) -> Result
    ) -> Result? {
        guard var value = place.take() else { return nil }
        defer { place = value }
        return body(&value)
    }

    mutating func set(_ key: UInt64, _ value: consuming Value) {
        if count &* 3 >= places.count &* 2 { grow() }
        let (index, isFound) = place(of: key)
        heads[index] = Head(key: key, isTaken: true)
        places[index] = value
        if !isFound { count &+= 1 }
    }

    @discardableResult
    mutating func remove(_ key: UInt64) -> Value? {
        guard !isEmpty else { return nil }
        let found = place(of: key)
        guard found.isFound else { return nil }
        let value = places[found.index].take()
        count &-= 1
        // Whoever stands behind moves up, where it could not be found otherwise.
        let mask = places.count &- 1
        var (free, index) = (found.index, (found.index &+ 1) & mask)
        while heads[index].isTaken {
            let home = Self.home(of: heads[index].key) & mask
            if (index &- home) & mask >= (index &- free) & mask {
                heads[free] = heads[index]
                places[free] = places[index].take()
                free = index
            }
            index = (index &+ 1) & mask
        }
        heads[free].isTaken = false
        return value
    }

    /// In no order.
    func forEach(_ body: (UInt64, Value) -> Void) {
        for (head, place) in zip(heads, places) {
            if let place { body(head.key, place) }
        }
    }

    private mutating func grow() {
        let former = self
        let room = Swift.max(16, former.places.count * 2)
        heads = Array(repeating: Head(), count: room)
        places = (0..<room).map { _ in nil }
        count = 0
        former.forEach { set($0, $1) }
    }

    mutating func removeAll() { self = NumberTable() }
}
