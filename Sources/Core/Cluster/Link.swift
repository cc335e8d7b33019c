/// One node's half of the line to another: what is sent arrives once, in order, or the other is
/// declared dead.
///
/// What carries the frames may lose, double and reorder them, and says nothing about it. A value:
/// whoever holds it sends the frames, and says when a turn or a while has passed.
package struct Link<Mail: Sendable>: Sendable {
    package struct Limits: Sendable {
        /// How much may be on its way or wait; beyond, `send` refuses.
        package var mailsMax = 4096
        package var bytesMax = 8 << 20
        /// What one frame takes, of mails each of which takes no more than that.
        package var frameMailsMax = 256
        package var frameBytesMax = 256 << 10
        /// What may be sent and unanswered.
        package var windowMax = 1024
        package var windowBytesMax = 2 << 20
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
    private var waiting = Ring<(mail: Mail, size: Int)>()
    private var waitingBytes = 0
    private var sentCount = 0
    private var sentBytes = 0
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

    /// Whether so much may be sent, all at once; if not, `hasRoom` will say when to try again.
    package mutating func mayTake(_ count: Int, bytes: Int) -> Bool {
        // What is longer than all that may wait has to go when nothing does.
        let mayTake =
            waiting.count + count <= limits.mailsMax && waitingBytes + bytes <= limits.bytesMax
            || waiting.isEmpty
        wasRefused = wasRefused || !mayTake
        return mayTake
    }

    /// `size` is in bytes.
    ///
    /// - Returns: Its number; nil where the link is full, and the sender has to wait for
    ///   `hasRoom`.
    package mutating func send(_ mail: Mail, size: Int = 0) -> UInt64? {
        mayTake(1, bytes: size) ? push(mail, size: size) : nil
    }

    /// Sends what can't wait, however full the link is.
    @discardableResult
    package mutating func push(_ mail: Mail, size: Int = 0) -> UInt64 {
        waiting.append((mail, size))
        waitingBytes += size
        return lastNumber
    }

    /// What is to be sent now: asked for at the end of each turn, until there is none.
    package mutating func nextFrame() -> Frame? {
        var (mails, bytes): ([Mail], Int) = ([], 0)
        let first = firstNumber + UInt64(sentCount)
        while sentCount < min(waiting.count, limits.windowMax), mails.count < limits.frameMailsMax {
            let (mail, size) = waiting[sentCount]
            guard mails.isEmpty || bytes + size <= limits.frameBytesMax,
                sentCount == 0 || sentBytes + size <= limits.windowBytesMax
            else { break }
            mails.append(mail)
            bytes += size
            sentCount += 1
            sentBytes += size
        }
        guard !mails.isEmpty || owesAnswer else { return nil }
        lastSent = max(lastSent, firstNumber + UInt64(sentCount) - 1)
        owesAnswer = false
        return Frame(first: first, mails: mails, acknowledged: arrived)
    }

    /// A while has passed.
    package mutating func tick() {
        guard sentCount > 0 else { return }
        ticksUnanswered += 1
        guard ticksUnanswered >= limits.resendTicks else { return }
        ticksUnanswered = 0
        sentCount = 0
        sentBytes = 0
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
        for index in 0..<count {
            let size = waiting.removeFirst().size
            waitingBytes -= size
            // What is being sent again may be answered before it was.
            if index < sentCount { sentBytes -= size }
        }
        firstNumber = acknowledged + 1
        sentCount = max(0, sentCount - count)
        ticksUnanswered = 0
        if wasRefused, waiting.count <= limits.mailsMax / 2, waitingBytes <= limits.bytesMax / 2 {
            wasRefused = false
            arrival.hasRoom = true
        }
    }

    /// What never was answered, for whoever has to say that it may be lost.
    package mutating func giveUp() -> (first: UInt64, mails: [Mail]) {
        let first = firstNumber
        firstNumber += UInt64(waiting.count)
        var mails: [Mail] = []
        while !waiting.isEmpty { mails.append(waiting.removeFirst().mail) }
        (waitingBytes, sentCount, sentBytes) = (0, 0, 0)
        return (first, mails)
    }
}

extension Link.Frame: Equatable where Mail: Equatable {}
