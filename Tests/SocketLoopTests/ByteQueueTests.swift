import Testing
import WebSocket

@testable import SocketLoop

@Suite("Queues of bytes cost what they hold, or little")
struct ByteQueueTests {
    private static let kept = SpareBuffers.capacityMax

    private func queue(holding count: Int) -> ByteQueue {
        var queue = ByteQueue()
        let isTaken = queue.append((0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) })
        #expect(isTaken && queue.count == count)
        return queue
    }

    private func expected(_ range: Range<Int>) -> [UInt8] {
        range.map { UInt8(truncatingIfNeeded: $0 / 7) }
    }

    @Test("A queue that grew large and was nearly emptied from the front gives memory back")
    func consume() {
        var queue = queue(holding: 1_000_000)
        queue.consume(990_000)
        #expect(queue.capacity <= 16_384)
        #expect(queue.bytes == expected(990_000..<1_000_000))
        let isTaken = queue.append([1, 2, 3])
        #expect(isTaken && queue.bytes == expected(990_000..<1_000_000) + [1, 2, 3])
    }

    @Test("So does one whose end was dropped", arguments: [0, 1, 100, 5000])
    func shorten(count: Int) {
        var queue = queue(holding: 1_000_000)
        queue.shorten(toFirst: count)
        #expect(queue.capacity <= max(4096, 2 * count))
        #expect(queue.bytes == expected(0..<count))
    }

    @Test("At every moment it has at most four times what it holds, or little")
    func always() {
        var queue = queue(holding: 500_000)
        var at = 0
        while !queue.isEmpty {
            let step = min(queue.count, 1 + at % 9973)
            queue.consume(step)
            at += step
            #expect(queue.capacity <= max(4 * queue.count, Self.kept))
            if !queue.isEmpty, let start = unsafe queue.start {
                #expect(unsafe start.load(as: UInt8.self) == UInt8(truncatingIfNeeded: at / 7))
            }
        }
        #expect(at == 500_000)
    }

    @Test("One that never was large keeps what it has, so that nothing is moved")
    func small() {
        var queue = queue(holding: Self.kept)
        #expect(queue.capacity == Self.kept)
        queue.consume(Self.kept - 1)
        #expect(queue.capacity == Self.kept)
    }

    @Test("What a busy time left for other loops is freed when it is empty, and not before")
    func outboxes() {
        var outboxes = Outboxes(count: 2)
        let socket = SocketID(loop: 1, slot: 0, generation: 1)
        for loop in 0..<2 {
            let room = unsafe outboxes[loop].begin(.frame, for: socket, length: 1_000_000)
            #expect(unsafe room != nil)
        }
        outboxes[0].records.removeAll()
        outboxes.freeLargeIdle()
        #expect(outboxes[0].records.capacity == 0)
        #expect(outboxes[1].records.count == 1_000_016)
    }
}
