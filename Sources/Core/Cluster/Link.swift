/// One node's half of the line to another: what is sent arrives once, in order, or the other is
/// declared dead.
///
/// What carries the frames may lose, double and reorder them, and says nothing about it. A value:
/// whoever holds it sends the frames, and says when a turn or a while has passed.
package struct Link<Mail: Sendable>: Sendable {
    package struct Limits: Sendable {
        /// What one frame takes, of mails each of which takes no more than that.
        package var frameMailsMax = 256
        package var frameBytesMax = 256 << 10
        /// What may be sent and unanswered.
        package var windowMax = 1024
        package var windowBytesMax = 2 << 20
        /// How many ticks without an answer until all is sent again; twice as many each time that
        /// nothing has come, so that what is slow is not filled with what it has already.
        package var resendTicks = 2
        package var resendTicksMax = 16

        package init() {}
    }

    /// What is published to the other node; one of these a turn.
    package struct Frame: Sendable {
        /// Of the first mail; numbers begin at 1.
        package let first: UInt64
        package let mails: [Mail]
        /// All up to this one have arrived here.
        package let acknowledged: UInt64

        package init(first: UInt64, mails: [Mail], acknowledged: UInt64) {
            self.first = first
            self.mails = mails
            self.acknowledged = acknowledged
        }
    }

    /// What a frame brought.
    package struct Arrival: Sendable {
        /// For the first time, in order.
        package var mails: [Mail] = []
        /// Mail of ours that stands at the other node from now on, by number.
        package var answered: Range<UInt64> = 1..<1
    }

    private struct Waiting: Sendable {
        let mail: Mail
        let size: Int
    }

    private let limits: Limits
    /// Of the first one in `waiting`.
    private var firstNumber: UInt64 = 1
    /// Sent and unanswered ones, then those not sent yet.
    private var waiting = Ring<Waiting>()
    /// What is unanswered or not sent yet, as `push` was told.
    package private(set) var waitingBytes = 0
    private var sentCount = 0
    private var sentBytes = 0
    /// The last one that ever was sent.
    private var lastSent: UInt64 = 0
    private var ticksUnanswered = 0
    private var resendsInRow = 0
    /// All up to this one have arrived from the other node.
    private var arrived: UInt64 = 0
    /// What has come since the last answer, which goes with the next mail, with a tick, or once
    /// the other one's window may soon be full.
    private var unanswered = (frames: 0, mails: 0)
    private var mustAnswer = false
    /// Up to which number there was something at which tick, for some of those that wait.
    private var marks = Ring<(number: UInt64, tick: Int)>()
    private var ticks = 0
    /// How many were sent once more.
    package private(set) var resentCount = 0
    package private(set) var frameCount = 0

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Nothing of ours is unanswered.
    package var isIdle: Bool { waiting.isEmpty }
    package var waitingCount: Int { waiting.count }
    /// How many ticks ago at least the first one that is unanswered was there.
    package var oldestTicks: Int { marks.first.map { ticks - $0.tick } ?? 0 }
    /// What would be sent now would go with the next frames.
    package var hasWindow: Bool {
        waiting.count < limits.windowMax && waitingBytes < limits.windowBytesMax
    }
    package var lastNumber: UInt64 { firstNumber + UInt64(waiting.count) - 1 }

    /// `size` is in bytes.
    ///
    /// - Returns: Its number.
    @discardableResult
    package mutating func push(_ mail: Mail, size: Int = 0) -> UInt64 {
        waiting.append(Waiting(mail: mail, size: size))
        waitingBytes += size
        return lastNumber
    }

    /// What is to be sent now: asked for at the end of each turn, until there is none.
    package mutating func nextFrame() -> Frame? {
        var (mails, bytes): ([Mail], Int) = ([], 0)
        mails.reserveCapacity(min(waiting.count - sentCount, limits.frameMailsMax))
        let first = firstNumber + UInt64(sentCount)
        while sentCount < min(waiting.count, limits.windowMax), mails.count < limits.frameMailsMax {
            let next = waiting[sentCount]
            guard mails.isEmpty || bytes + next.size <= limits.frameBytesMax,
                sentCount == 0 || sentBytes + next.size <= limits.windowBytesMax
            else { break }
            mails.append(next.mail)
            bytes += next.size
            sentCount += 1
            sentBytes += next.size
        }
        guard !mails.isEmpty || mustAnswer else { return nil }
        lastSent = max(lastSent, firstNumber + UInt64(sentCount) - 1)
        (unanswered, mustAnswer) = ((0, 0), false)
        frameCount += 1
        return Frame(first: first, mails: mails, acknowledged: arrived)
    }

    /// A while has passed. `isBackedUp` while what was sent may not even have left.
    package mutating func tick(isBackedUp: Bool = false) {
        if unanswered.frames > 0 { mustAnswer = true }
        mark()
        guard sentCount > 0 else { return }
        ticksUnanswered += 1
        let pause = isBackedUp ? .max : limits.resendTicks << min(resendsInRow, 8)
        guard ticksUnanswered >= min(pause, limits.resendTicksMax) else { return }
        ticksUnanswered = 0
        resendsInRow += 1
        resentCount += sentCount
        sentCount = 0
        sentBytes = 0
    }

    private mutating func mark() {
        ticks += 1
        // However long nothing is answered, these are few.
        guard !waiting.isEmpty, marks.count < Self.marksMax,
            marks.isEmpty || marks[marks.count - 1].number < lastNumber
        else { return }
        marks.append((lastNumber, ticks))
    }

    private static var marksMax: Int { 64 }

    /// A frame from the other node. One that can't be its own is taken for nothing.
    package mutating func receive(_ frame: Frame) -> Arrival {
        var arrival = Arrival()
        take(frame.acknowledged, &arrival)
        guard !frame.mails.isEmpty, frame.first > 0 else { return arrival }
        guard frame.first <= arrived + 1,
            arrived + 1 - frame.first < UInt64(frame.mails.count)
        else {
            // Doubled or early: the answer before may be what was lost.
            mustAnswer = true
            return arrival
        }
        let known = arrived + 1 - frame.first
        arrival.mails = known == 0 ? frame.mails : Array(frame.mails[Int(known)...])
        arrived += UInt64(arrival.mails.count)
        unanswered.frames += 1
        unanswered.mails += arrival.mails.count
        let framesMax = limits.windowBytesMax / limits.frameBytesMax / 2
        if unanswered.frames >= framesMax || unanswered.mails >= limits.windowMax / 4 {
            mustAnswer = true
        }
        return arrival
    }

    private mutating func take(_ acknowledged: UInt64, _ arrival: inout Arrival) {
        // Of what was never sent nothing can have arrived: not an answer to us.
        guard acknowledged >= firstNumber, acknowledged <= lastSent else { return }
        let count = Int(acknowledged - firstNumber) + 1
        arrival.answered = firstNumber..<(acknowledged + 1)
        for index in 0..<count {
            let size = waiting.removeFirst().size
            waitingBytes -= size
            // What is being sent again may be answered before it was.
            if index < sentCount { sentBytes -= size }
        }
        while let mark = marks.first, mark.number <= acknowledged { _ = marks.removeFirst() }
        firstNumber = acknowledged + 1
        sentCount = max(0, sentCount - count)
        ticksUnanswered = 0
        resendsInRow = 0
    }
}

extension Link.Frame: Equatable where Mail: Equatable {}
