import Sessions
import TestSupport
import Testing

extension EventHistory {
    fileprivate mutating func append(_ text: String, body: String = "", at second: UInt32 = 0) {
        let (head, rest) = (Array(text.utf8), Array(body.utf8))
        append(head.span, rest.span, at: second)
    }

    /// Sends all that waits.
    fileprivate mutating func drain() -> [String] {
        var sent: [String] = []
        while let range = nextUnsent {
            sent.append(String(decoding: bytes[range], as: UTF8.self))
            markSent()
        }
        return sent
    }
}

@Suite struct EventHistoryTests {
    @Test("Events are numbered 1, 2, 3 and closed with their number (docs/protocol.md §3)")
    func numbers() {
        var history = EventHistory(limits: HistoryLimits())
        history.append(#"{"type":"a","data":{"#)
        history.append(#"{"type":"b","data":{"x":"#, body: "7")
        #expect(history.lastSeq == 2 && history.sentSeq == 0 && history.unsentCount == 2)
        #expect(
            history.drain() == [
                #"{"type":"a","data":{},"seq":1}"#, #"{"type":"b","data":{"x":7},"seq":2}"#,
            ])
        #expect(history.sentSeq == 2 && history.unsentCount == 0 && history.nextUnsent == nil)
    }

    @Test("After a rewind, what came behind is sent again byte for byte, and nothing else")
    func rewind() {
        var history = EventHistory(limits: HistoryLimits())
        for name in ["a", "b", "c"] { history.append(name) }
        let sent = history.drain()
        history.append("d")
        #expect(history.rewind(to: 1) == true)
        #expect(history.drain() == Array(sent[1...]) + [#"d},"seq":4}"#])
        #expect(history.rewind(to: 4) == true)
        #expect(history.drain() == [])
        #expect(history.rewind(to: 0) == true)
        #expect(history.drain().count == 4)
    }

    @Test("Nobody can have seen what was never sent: such a rewind is refused and changes nothing")
    func unseen() {
        var history = EventHistory(limits: HistoryLimits())
        history.append("a")
        _ = history.drain()
        history.append("b")
        for seq in [2, .max] as [UInt64] { #expect(history.rewind(to: seq) == false) }
        #expect(history.sentSeq == 1)
        #expect(history.rewind(to: 1) == true)
    }

    @Test("Sent events beyond either limit are dropped, oldest first; those that wait never")
    func limits() {
        var history = EventHistory(limits: HistoryLimits(eventsMax: 3, bytesMax: 0))
        for number in 0..<5 { history.append("e\(number)") }
        history.trim(before: 0)
        #expect(history.keptCount == 5 && history.isOverfull)
        _ = history.drain()
        history.trim(before: 0)
        #expect(history.keptCount == 3 && !history.isOverfull)
        #expect(history.rewind(to: 1) == false)
        #expect(history.rewind(to: 2) == true)
        #expect(history.drain().count == 3)

        var byBytes = EventHistory(limits: HistoryLimits(eventsMax: 0, bytesMax: 30))
        for _ in 0..<3 { byBytes.append("0123456789") }  // 20 bytes each with the number.
        _ = byBytes.drain()
        byBytes.trim(before: 0)
        #expect(byBytes.keptCount == 1 && byBytes.keptBytes == 20)
    }

    @Test("0 means no limit")
    func unlimited() {
        var history = EventHistory(limits: HistoryLimits(eventsMax: 0, bytesMax: 0))
        for _ in 0..<5000 { history.append("event") }
        #expect(!history.isOverfull)
        _ = history.drain()
        history.trim(before: 0)
        #expect(history.keptCount == 5000)
        #expect(history.rewind(to: 0) == true)
    }

    @Test("Sent events that are old are dropped, others not")
    func ages() {
        var history = EventHistory(limits: HistoryLimits())
        history.append("a", at: 10)
        history.append("b", at: 20)
        _ = history.drain()
        history.append("c", at: 20)
        history.trim(before: 20)
        #expect(history.keptCount == 2)
        #expect(history.rewind(to: 0) == false)
        history.trim(before: 100)
        #expect(history.keptCount == 1 && history.unsentCount == 1)
        #expect(history.drain() == [#"c},"seq":3}"#])
        history.trim(before: 100)
        #expect(history.keptCount == 0 && history.keptBytes == 0 && history.bytes.isEmpty)
        history.append("d", at: 100)
        #expect(history.drain() == [#"d},"seq":4}"#])
    }

    @Test("What is dropped as a whole leaves the numbers as they are")
    func removeAll() {
        var history = EventHistory(limits: HistoryLimits())
        for _ in 0..<3 { history.append("e") }
        history.removeAll()
        #expect(history.unsentCount == 0 && history.keptBytes == 0 && history.lastSeq == 3)
        #expect(history.rewind(to: 2) == false)
        #expect(history.rewind(to: 3) == true)
        history.append("f")
        #expect(history.drain() == [#"f},"seq":4}"#])
    }

    @Test(
        "Thousands of random appends, sends, rewinds and trims do what a plain list would do",
        arguments: 0..<1000)
    func random(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var history = EventHistory(limits: HistoryLimits(eventsMax: 8, bytesMax: 2000))
        var all: [String] = []
        var (sent, dropped) = (0, 0)
        for _ in 0..<80 {
            switch Int.random(in: 0..<8, using: &random) {
            case 0...3:
                let text = String(
                    repeating: "x", count: Int.random(in: 0..<600, using: &random))
                history.append(text)
                all.append(text + #"},"seq":\#(all.count + 1)}"#)
            case 4, 5:
                guard let range = history.nextUnsent else { break }
                #expect(String(decoding: history.bytes[range], as: UTF8.self) == all[sent])
                history.markSent()
                sent += 1
            case 6:
                let target = Int.random(in: 0...(all.count + 1), using: &random)
                let isGood = target <= sent && target >= dropped
                #expect(history.rewind(to: UInt64(target)) == isGood)
                if isGood { sent = target }
            default:
                history.trim(before: 0)
                while dropped < sent, isTooMuch(all[dropped...]) { dropped += 1 }
            }
            #expect(history.keptCount == all.count - dropped)
            #expect(history.keptBytes == all[dropped...].reduce(0) { $0 + $1.utf8.count })
            #expect(history.unsentBytes == all[sent...].reduce(0) { $0 + $1.utf8.count })
        }
    }

    private func isTooMuch(_ kept: ArraySlice<String>) -> Bool {
        kept.count > 8 || kept.reduce(0) { $0 + $1.utf8.count } > 2000
    }
}
