package import Identifiers
package import WebSocket

/// What one thread that is no loop asks of the loops' sockets, with the bounds and the order that
/// loops have among each other.
///
/// Nothing arrives before `postNow`, except where much has come together; and what was posted
/// before the same thread tells a loop something is done before that loop's handler hears of it.
package struct Postman: SocketPost, ~Copyable, Sendable {
    /// Of no loop: every socket is another's.
    package let index = -1
    package var speaker: ClientID = ""

    private let mailboxes: [Mailbox]
    private let clock: SocketClock
    private var outboxes: Outboxes
    private var tendedAt: Int64 = 0

    init(_ mailboxes: [Mailbox], _ clock: SocketClock) {
        self.mailboxes = mailboxes
        self.clock = clock
        outboxes = Outboxes(count: mailboxes.count)
    }

    package var monotonicSeconds: Int64 { clock.milliseconds() / 1000 }

    package mutating func send(
        to socket: SocketID, head: Span<UInt8>, body: Span<UInt8>, tail: Span<UInt8>
    ) {
        let loop = socket.loop
        guard loop < outboxes.count else { return }
        let length = head.count &+ body.count &+ tail.count
        let frame = ServerFrame(.text, payloadLength: length)
        let total = frame.headerLength &+ length
        outboxes.postIfLarge(loop, mailboxes)
        let isAdmitted =
            !outboxes[loop].isCrowded
            || outboxes[loop].admits(total, of: speaker, senders: outboxes.count)
        let room = unsafe outboxes.addFrame(for: socket, total, isAdmitted: isAdmitted)
        guard let room = unsafe room else { return }
        unsafe frame.write(head, body, tail, to: room)
    }

    package mutating func send(
        to socket: SocketID, _ part: Range<Int>, of bytes: [UInt8], tail: Span<UInt8>
    ) {
        let loop = socket.loop
        guard loop < outboxes.count else { return }
        guard part.count >= LentBytes.partBytesMin, tail.count <= LentPart.tailBytesMax,
            outboxes[loop].mayBorrow, !outboxes[loop].isCrowded
        else {
            return send(
                to: socket, head: bytes.span.extracting(part), body: Span(), tail: tail)
        }
        outboxes.postIfLarge(loop, mailboxes)
        if !outboxes.lend(part, of: bytes, tail, to: socket) {
            outboxes.addClose(of: socket, ClosePayload.overload)
        }
    }

    package mutating func close(_ socket: SocketID, _ code: CloseCode, reason: StaticString) {
        outboxes.addClose(of: socket, ClosePayload.bytes(code, reason))
    }

    package mutating func probe(_ socket: SocketID, secondsMax: Int) {
        outboxes.addProbe(of: socket, secondsMax: secondsMax)
    }

    package mutating func nudge(_ socket: SocketID) { outboxes.add(.nudge, for: socket) }
    package mutating func hold(_ socket: SocketID) { outboxes.add(.hold, for: socket) }
    package mutating func release(_ socket: SocketID) { outboxes.add(.release, for: socket) }

    package mutating func postNow() {
        outboxes.post(to: mailboxes)
        let now = monotonicSeconds
        guard now != tendedAt else { return }
        tendedAt = now
        outboxes.freeLargeIdle()
    }

    /// Sockets move from their own handlers alone.
    package mutating func move<Admission: Sendable>(
        _ socket: SocketID, toAffinity affinity: Int, _ admission: Admission,
        redeliver text: Span<UInt8>
    ) -> Bool { false }
}

extension SocketLoops where Handler: ~Copyable {
    /// For one thread that is no loop.
    package func makePostman() -> Postman { Postman(mailboxes, clock) }

    /// Tells one loop's handler; as `tell`. Nothing happens where there is no such loop.
    package func tell(_ note: Handler.Note, loop: Int) {
        if deliveries.indices.contains(loop) { _ = deliveries[loop].put(.note(note)) }
    }
}
