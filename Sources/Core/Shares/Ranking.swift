/// Things by weight, the heaviest on top: a binary heap that knows where each thing lies.
///
/// Changing a weight takes time that grows with the logarithm of how many things there are. What
/// weighs nothing is not kept.
package struct Ranking<Thing: Hashable & Sendable>: Sendable {
    private var heap: [(thing: Thing, weight: Int)] = []
    private var places: [Thing: Int] = [:]

    package init() {}

    package var isEmpty: Bool { heap.isEmpty }
    package var count: Int { heap.count }
    package var heaviest: Thing? { heap.first?.thing }

    /// 0 for what is not there.
    package func weight(of thing: Thing) -> Int { places[thing].map { heap[$0].weight } ?? 0 }

    /// - Parameters:
    ///   - weight: At least 0, which takes the thing out.
    ///   - thing: Comes in, where it is not there.
    package mutating func set(_ weight: Int, of thing: Thing) {
        if let place = places[thing] {
            if weight > 0 {
                heap[place].weight = weight
                settle(place)
            } else {
                remove(place)
            }
        } else if weight > 0 {
            places[thing] = heap.count
            heap.append((thing, weight))
            settle(heap.count - 1)
        }
    }

    private mutating func remove(_ place: Int) {
        places[heap[place].thing] = nil
        let last = heap.removeLast()
        guard place < heap.count else { return }
        heap[place] = last
        places[last.thing] = place
        settle(place)
    }

    /// Moves what lies here up or down to where it belongs.
    private mutating func settle(_ start: Int) {
        var place = start
        while place > 0, heap[place].weight > heap[(place - 1) / 2].weight {
            exchange(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
        while let child = heavierChild(of: place), heap[child].weight > heap[place].weight {
            exchange(place, child)
            place = child
        }
    }

    private func heavierChild(of place: Int) -> Int? {
        let (left, right) = (2 * place + 1, 2 * place + 2)
        guard left < heap.count else { return nil }
        guard right < heap.count else { return left }
        return heap[right].weight > heap[left].weight ? right : left
    }

    private mutating func exchange(_ one: Int, _ other: Int) {
        heap.swapAt(one, other)
        places[heap[one].thing] = one
        places[heap[other].thing] = other
    }
}
