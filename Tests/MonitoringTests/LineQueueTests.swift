import Monitoring
import Testing

@Suite("Lines that wait to be written")
struct LineQueueTests {
    private func line(_ number: Int) -> [UInt8] { Array("line \(number)\n".utf8) }

    /// Everything that waits, one piece at a time.
    private func drained(_ queue: inout LineQueue, bytesMax: Int = 1) -> [LineQueue.Piece] {
        var pieces: [LineQueue.Piece] = []
        while let piece = queue.next(bytesMax: bytesMax) { pieces.append(piece) }
        return pieces
    }

    @Test("Lines come out in their order, as many at once as fit, and never a part of one")
    func order() {
        var queue = LineQueue()
        for number in 0..<4 { queue.append(line(number)) }
        #expect(queue.next(bytesMax: 20) == .lines(line(0) + line(1)))
        #expect(queue.next(bytesMax: 3) == .lines(line(2)))
        queue.append(line(4))
        #expect(queue.next(bytesMax: 4096) == .lines(line(3) + line(4)))
        #expect(queue.next(bytesMax: 4096) == nil)
        #expect(queue.droppedCount == 0)
    }

    @Test("Over a bound of lines or bytes the newest are dropped, counted, and told of at the end")
    func bounds() {
        for var queue in [
            LineQueue(linesMax: 3, bytesMax: 1 << 20), LineQueue(linesMax: 100, bytesMax: 23),
        ] {
            for number in 0..<10 { queue.append(line(number)) }
            #expect(queue.droppedCount == 7)
            #expect(
                drained(&queue) == [.lines(line(0)), .lines(line(1)), .lines(line(2)), .gap(7)])
            #expect(queue.next(bytesMax: 4096) == nil)
            #expect(queue.droppedCount == 7)
        }
    }

    @Test("Once it drops it takes nothing until half is free, and tells where lines are missing")
    func gap() {
        var queue = LineQueue(linesMax: 4, bytesMax: 1 << 20)
        for number in 0..<5 { queue.append(line(number)) }
        _ = queue.next(bytesMax: 1)
        queue.append(line(5))
        _ = queue.next(bytesMax: 1)
        queue.append(line(6))
        #expect(queue.droppedCount == 2)
        #expect(drained(&queue) == [.lines(line(2)), .lines(line(3)), .gap(2), .lines(line(6))])
    }

    @Test("A line that is longer than all the room is dropped, and the next one is not")
    func longLine() {
        var queue = LineQueue(linesMax: 4, bytesMax: 16)
        queue.append([UInt8](repeating: 0x61, count: 17))
        queue.append(line(1))
        #expect(drained(&queue) == [.gap(1), .lines(line(1))])
    }

    @Test("However long it runs, no line is lost or doubled, and each is written or counted")
    func endurance() {
        var queue = LineQueue(linesMax: 8, bytesMax: 100)
        var (written, told, next) = ([UInt8](), 0, 0)
        for round in 0..<2_000 {
            for _ in 0..<(round % 7) {
                queue.append(line(next))
                next += 1
            }
            for _ in 0..<(round % 5) {
                switch queue.next(bytesMax: round % 40) {
                case .lines(let bytes): written += bytes
                case .gap(let count): told += count
                case nil: break
                }
            }
        }
        for piece in drained(&queue) {
            if case .lines(let bytes) = piece { written += bytes }
            if case .gap(let count) = piece { told += count }
        }
        let lines = written.split(separator: 0x0A)
        #expect(Set(lines).count == lines.count)
        #expect(told > 0 && told == queue.droppedCount)
        #expect(lines.count + told == next)
    }
}
