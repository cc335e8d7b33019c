import Cluster
import TestSupport
import Testing

@Suite("The line from node to node (docs/decisions/0036)")
struct LinkTests {
    private static var limits: Link<Int>.Limits {
        var limits = Link<Int>.Limits()
        limits.frameMailsMax = 3
        limits.windowMax = 8
        return limits
    }

    @Test("All that is sent arrives once and in order, whatever becomes of the frames")
    func lossyLine() {
        for seed in 0..<150 {
            var random = SeededGenerator(seed: UInt64(seed))
            var ends = [Link<Int>(Self.limits), Link<Int>(Self.limits)]
            var frames: [(to: Int, frame: Link<Int>.Frame)] = []
            var sent = [0, 0]
            var heard: [[Int]] = [[], []]
            var answered = [0, 0]
            for step in 0..<1500 {
                let isQuiet = step > 700
                let end = Int.random(in: 0...1, using: &random)
                if !isQuiet, Bool.random(using: &random), sent[end] - answered[end] < 20 {
                    ends[end].push(sent[end])
                    sent[end] += 1
                }
                while let frame = ends[end].nextFrame() {
                    let copies = isQuiet ? 1 : Int.random(in: 0...2, using: &random)
                    for _ in 0..<copies { frames.append((1 - end, frame)) }
                }
                if Int.random(in: 0...4, using: &random) == 0 { ends[end].tick() }
                guard let index = frames.indices.randomElement(using: &random) else { continue }
                let (to, frame) = frames.remove(at: index)
                let arrival = ends[to].receive(frame)
                heard[to] += arrival.mails
                let isNext = arrival.answered.lowerBound == answered[to] + 1
                answered[to] += isNext ? arrival.answered.count : 0
            }
            for end in 0...1 {
                #expect(heard[1 - end] == Array(0..<sent[end]), "seed \(seed)")
                #expect(ends[end].isIdle && answered[end] == sent[end], "seed \(seed)")
            }
        }
    }

    @Test("What is not answered is sent again, more and more seldom, and seldom while it waits")
    func resends() {
        func ticks(isBackedUp: Bool = false, count: Int) -> [Int] {
            var line = Link<Int>(Self.limits)
            line.push(1)
            #expect(line.nextFrame() != nil)
            return (1...count).filter { _ in
                line.tick(isBackedUp: isBackedUp)
                return line.nextFrame() != nil
            }
        }
        #expect(ticks(count: 62) == [2, 6, 14, 30, 46, 62])
        #expect(ticks(isBackedUp: true, count: 40) == [16, 32])
        var (one, other) = (Link<Int>(Self.limits), Link<Int>(Self.limits))
        for number in 1...2 {
            one.push(number)
            #expect(one.nextFrame() != nil)
            for _ in 0..<14 { one.tick() }
            let frame = one.nextFrame()
            #expect(frame != nil)
            if let frame { _ = other.receive(frame) }
            other.tick()
            if let answer = other.nextFrame() { _ = one.receive(answer) }
            #expect(one.isIdle)
        }
        one.push(3)
        #expect(one.nextFrame() != nil)
        one.tick()
        #expect(one.nextFrame() == nil)
        one.tick()
        #expect(one.nextFrame() != nil, "an answer begins it anew")
    }

    @Test("An answer waits for mail to go with, for a tick, or until the window is a part full")
    func lateAnswer() {
        var (one, other) = (Link<Int>(Self.limits), Link<Int>(Self.limits))
        func exchange() { while let frame = one.nextFrame() { _ = other.receive(frame) } }
        one.push(1)
        exchange()
        #expect(other.nextFrame() == nil)
        other.push(7)
        #expect(other.nextFrame()?.acknowledged == 1)
        one.push(2)
        exchange()
        other.tick()
        #expect(other.nextFrame()?.acknowledged == 2)
        for mail in 3...4 { one.push(mail) }
        exchange()
        #expect(other.nextFrame()?.acknowledged == 4)
        // What comes again was not heard to have come.
        _ = other.receive(.init(first: 1, mails: [1], acknowledged: 0))
        #expect(other.nextFrame()?.acknowledged == 4)
    }

    @Test("The age of the oldest is that of one that waits, though later ones come, to a tick")
    func age() throws {
        var link = Link<Int>(Self.limits)
        for _ in 0..<5 { link.tick() }
        #expect(link.oldestTicks == 0 && link.waitingCount == 0)
        // Each is answered when the fifth behind it is sent: so the oldest has waited for about
        // as long.
        for number in 1...300 {
            link.push(number, size: 10)
            _ = link.nextFrame()
            link.tick()
            if number > 5 {
                _ = link.receive(.init(first: 1, mails: [], acknowledged: UInt64(number - 5)))
                #expect(link.oldestTicks == 4)
            }
        }
        #expect(link.waitingCount == 5 && link.waitingBytes == 50)
        for _ in 0..<500 {
            link.push(0)
            link.tick()
        }
        #expect(link.oldestTicks == 504)
        while link.nextFrame() != nil {}
        // So far the window goes.
        _ = link.receive(.init(first: 1, mails: [], acknowledged: 303))
        #expect(link.oldestTicks == 496)
    }

    @Test("What can't be an answer is none")
    func nonsense() {
        var link = Link<Int>(Self.limits)
        link.push(1)
        link.push(2)
        #expect(link.receive(.init(first: 1, mails: [], acknowledged: 1)).answered.isEmpty)
        _ = link.nextFrame()
        #expect(link.receive(.init(first: 0, mails: [9], acknowledged: .max)).mails.isEmpty)
        #expect(link.receive(.init(first: .max, mails: [9], acknowledged: 0)).mails.isEmpty)
        #expect(link.receive(.init(first: 1, mails: [], acknowledged: 1)).answered == 1..<2)
        #expect(!link.isIdle && link.lastNumber == 2)
    }
}
