import Testing

@testable import Access

@Suite struct AttemptCounterTests {
    @Test("So many attempts pass, and then the seconds are told until the window is over")
    func take() {
        var counter = AttemptCounter<String>(attemptsMax: 2, windowSeconds: 1)
        #expect(counter.take("a", now: 7) == nil)
        #expect(counter.take("a", now: 7) == nil)
        #expect(counter.take("a", now: 7) == 1)
        #expect(counter.take("b", now: 7) == nil)
        #expect(counter.take("a", now: 8) == nil)
    }

    @Test("The table of attempts is bounded, and forgets those that are over first")
    func bounded() {
        var counter = AttemptCounter<Int>(attemptsMax: 2, windowSeconds: 60, keysMax: 16)
        for key in 0..<8 { counter.record(key, now: 0) }
        for key in 100..<108 { for _ in 0..<2 { counter.record(key, now: 50) } }
        #expect(counter.count == 16)
        counter.record(200, now: 60)
        #expect(counter.count == 9)
        #expect((100..<108).allSatisfy { counter.secondsUntilAllowed($0, now: 60) == 50 })
        for key in 300..<1_000 { counter.record(key, now: 61) }
        #expect(counter.count <= 16)
        #expect(counter.count >= 8)
    }

    @Test(
        "A window ends after its seconds, and a clock set back does not lock anybody out",
        arguments: [(Int64(100), Int64?(60)), (159, 1), (160, nil), (99, nil)])
    func window(now: Int64, seconds: Int64?) {
        var counter = AttemptCounter<Int>(attemptsMax: 2)
        counter.record(1, now: 100)
        #expect(counter.secondsUntilAllowed(1, now: 100) == nil)
        counter.record(1, now: 100)
        #expect(counter.secondsUntilAllowed(1, now: now) == seconds)
    }
}
