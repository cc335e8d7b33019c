/// One node's half of the line to another: what is sent arrives once, in order, or the other is
/// declared dead.
///
/// What carries the frames may lose, double and reorder them, and says nothing about it. A value:
/// whoever holds it sends the frames, and says when a turn or a while has passed.
package struct Link<Mail: Sendable>: Sendable {
    package struct Limits: Sendable {
        /// How much may be on its way or wait; beyond, `send` refuses.
        package var mailsMax = 4096
        /// How many mails one frame takes.
        package var frameMailsMax = 256
        /// How many mails may be sent and unanswered.
        package var windowMax = 1024
        /// How many ticks without an answer until all is sent again.
        package var resendTicks = 2

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
        /// The link was full, and is no more.
        package var hasRoom = false
    }

    private let limits: Limits
    /// Of the first one in `waiting`.
    private var firstNumber: UInt64 = 1
    /// Sent and unanswered ones, then those not sent yet.
    private var waiting: [Mail] = []
    private var sentCount = 0
    /// The last one that ever was sent.
    private var lastSent: UInt64 = 0
    private var ticksUnanswered = 0
    private var wasRefused = false
    /// All up to this one have arrived from the other node.
    private var arrived: UInt64 = 0
    private var owesAnswer = false

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Nothing of ours is unanswered.
    package var isIdle: Bool { waiting.isEmpty }
    package var waitingCount: Int { waiting.count }
    package var lastNumber: UInt64 { firstNumber + UInt64(waiting.count) - 1 }

    /// - Returns: Its number; nil where the link is full, and the sender has to wait for
    ///   `hasRoom`.
    package mutating func send(_ mail: Mail) -> UInt64? {
        guard waiting.count < limits.mailsMax else {
            wasRefused = true
            return nil
        }
        waiting.append(mail)
        return lastNumber
    }

    /// What is to be sent now: asked for at the end of each turn, until there is none.
    package mutating func nextFrame() -> Frame? {
        let room = max(0, limits.windowMax - sentCount)
        let count = min(waiting.count - sentCount, limits.frameMailsMax, room)
        guard count > 0 || owesAnswer else { return nil }
        let mails = Array(waiting[sentCount..<(sentCount + count)])
        let frame = Frame(
            first: firstNumber + UInt64(sentCount), mails: mails, acknowledged: arrived)
        sentCount += count
        lastSent = max(lastSent, firstNumber + UInt64(sentCount) - 1)
        owesAnswer = false
        return frame
    }

    /// A while has passed.
    package mutating func tick() {
        guard sentCount > 0 else { return }
        ticksUnanswered += 1
        guard ticksUnanswered >= limits.resendTicks else { return }
        ticksUnanswered = 0
        sentCount = 0
    }

    /// A frame from the other node. One that can't be its own is taken for nothing.
    package mutating func receive(_ frame: Frame) -> Arrival {
        var arrival = Arrival()
        take(frame.acknowledged, &arrival)
        guard !frame.mails.isEmpty, frame.first > 0 else { return arrival }
        // Doubled or early ones are answered too: the answer before may be what was lost.
        owesAnswer = true
        guard frame.first <= arrived + 1 else { return arrival }
        let known = arrived + 1 - frame.first
        guard known < UInt64(frame.mails.count) else { return arrival }
        arrival.mails = Array(frame.mails[Int(known)...])
        arrived += UInt64(arrival.mails.count)
        return arrival
    }

    private mutating func take(_ acknowledged: UInt64, _ arrival: inout Arrival) {
        // Of what was never sent nothing can have arrived: not an answer to us.
        guard acknowledged >= firstNumber, acknowledged <= lastSent else { return }
        let count = Int(acknowledged - firstNumber) + 1
        arrival.answered = firstNumber..<(acknowledged + 1)
        waiting.removeFirst(count)
        firstNumber = acknowledged + 1
        sentCount = max(0, sentCount - count)
        ticksUnanswered = 0
        if wasRefused, waiting.count <= limits.mailsMax / 2 {
            wasRefused = false
            arrival.hasRoom = true
        }
    }

    /// What never was answered, for whoever has to say that it may be lost.
    package mutating func giveUp() -> (first: UInt64, mails: [Mail]) {
        defer {
            firstNumber = lastNumber + 1
            waiting = []
            sentCount = 0
        }
        return (firstNumber, waiting)
    }
}
