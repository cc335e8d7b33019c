/// Something for each of a few nodes, of which the same one is asked for again and again: that
/// takes no hash.
struct ByNode<Value: Sendable>: Sendable {
    private(set) var keys: [Incarnation] = []
    private(set) var values: [Value] = []
    /// Which one was found last.
    private var last = 0

    private mutating func find(_ node: Incarnation) -> Int? {
        if last < keys.count, keys[last] == node { return last }
        guard let index = keys.firstIndex(of: node) else { return nil }
        last = index
        return index
    }

    subscript(_ node: Incarnation) -> Value? {
        keys.firstIndex(of: node).map { values[$0] }
    }

    /// Changes the value of a node where it stands.
    ///
    /// - Returns: What `body` returns; nil where there is none.
    @inline(__always)
    mutating func change<Result>(
        _ node: Incarnation, _ body: (inout Value) -> Result
    ) -> Result? {
        guard let index = find(node) else { return nil }
        return body(&values[index])
    }

    /// The same; where there is none it begins with `value`.
    @inline(__always)
    mutating func change<Result>(
        _ node: Incarnation, default value: @autoclosure () -> Value,
        _ body: (inout Value) -> Result
    ) -> Result {
        if let index = find(node) { return body(&values[index]) }
        keys.append(node)
        values.append(value())
        return body(&values[keys.count - 1])
    }

    mutating func remove(_ node: Incarnation) -> Value? {
        guard let index = find(node) else { return nil }
        keys.remove(at: index)
        return values.remove(at: index)
    }
}
