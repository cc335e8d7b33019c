/// A line of elements: one steps in at the end and out at the front at the same small cost,
/// however long it is.
struct Ring<Element: Sendable>: Sendable {
    /// As many as a power of two.
    private var places: [Element?] = []
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var first: Element? { isEmpty ? nil : self[0] }

    subscript(index: Int) -> Element {
        guard index >= 0, index < count, let element = places[place(index)] else {
            preconditionFailure("no element is there")
        }
        return element
    }

    private func place(_ index: Int) -> Int { (head &+ index) & (places.count &- 1) }

    mutating func append(_ element: Element) {
        if count == places.count { resize(to: max(16, count * 2)) }
        places[place(count)] = element
        count += 1
    }

    mutating func removeFirst() -> Element {
        guard count > 0, let element = places[head].take() else {
            preconditionFailure("no element is there")
        }
        head = place(1)
        count -= 1
        // What a burst took is given back, but for so much that a line which is filled and emptied
        // again and again is not made anew each time.
        if places.count > Self.kept, count &* 8 <= places.count { resize(to: places.count / 2) }
        return element
    }

    private static var kept: Int { 1024 }

    private mutating func resize(to size: Int) {
        var others: [Element?] = []
        others.reserveCapacity(size)
        for index in 0..<count { others.append(places[place(index)].take()) }
        while others.count < size { others.append(nil) }
        (places, head) = (others, 0)
    }
}
