import Glibc
import Locking
import OperatorService
import Relay
import TestSupport
import Testing

@testable import usher

/// Who waits for the rooms of all nodes (docs/decisions/0038).
@Suite("Who waits for the rooms of all nodes")
struct RoomsOfAllNodesTests {
    /// Nodes that say nothing until they are told to.
    private final class Nodes: Sendable {
        let asked = Lock<[@Sendable (ListedRooms) -> Void]>([])
        let written = Lock(0)
        let answers = Lock<[RoomsAnswer]>([])
        let pending = PendingAnswers()

        func say() { for answer in asked.withLock({ $0 }) { answer(ListedRooms()) } }
    }

    private let nodes = Nodes()

    private func rooms() -> RoomsOfAllNodes {
        let nodes = nodes
        return RoomsOfAllNodes(nodes.pending, secondsMax: 600) { answer in
            nodes.asked.withLock { $0.append(answer) }
        } written: { _ in
            nodes.written.withLock { count in
                count += 1
                return [UInt8(count)]
            }
        }
    }

    /// Five that ask, each on a thread of its own, until all have asked.
    private func five(_ rooms: RoomsOfAllNodes) -> [TestThread] {
        let threads = (0..<5).map { [nodes] _ in
            TestThread {
                let answer = rooms.listing()
                nodes.answers.withLock { $0.append(answer) }
            }
        }
        while rooms.waiting < 5 || nodes.asked.withLock({ $0.isEmpty }) { pause() }
        return threads
    }

    private func pause() { usleep(1000) }

    @Test("Nodes are asked once for all who wait, who get the same, and a sixth does not wait")
    func together() {
        let rooms = rooms()
        let threads = five(rooms)
        #expect(rooms.listing() == .tooMany)
        nodes.say()
        for thread in threads { thread.wait() }
        #expect(nodes.answers.withLock { $0 } == Array(repeating: .listed([1]), count: 5))
        #expect(nodes.asked.withLock { $0.count } == 1 && nodes.written.withLock { $0 } == 1)
        #expect(rooms.waiting == 0)
    }

    @Test("A node that stops lets all go that wait, and nobody waits there any more")
    func stop() {
        let rooms = rooms()
        let threads = five(rooms)
        nodes.pending.stop()
        for thread in threads { thread.wait() }
        #expect(nodes.answers.withLock { $0 } == Array(repeating: .nothingCame, count: 5))
        #expect(rooms.listing() == .nothingCame && nodes.asked.withLock { $0.count } == 1)
    }
}
