import Identifiers
import WebSocket

/// What a thread that is no loop asks of the loops' sockets.
struct PostOutput: SocketPost {
    let index = -1
    var speaker: ClientID = ""
    var monotonicSeconds: Int64 { clock() / 1000 }
    private let clock: @Sendable () -> Int64
    private let mailboxes: [Mailbox]
    private var mail: [(loop: Int, action: LoopAction)] = []

    init(_ mailboxes: [Mailbox], clock: @escaping @Sendable () -> Int64) {
        self.mailboxes = mailboxes
        self.clock = clock
    }

    private mutating func add(_ action: LoopAction, _ socket: SocketID) {
        mail.append((socket.loop, action))
    }

    mutating func send(
        to socket: SocketID, head: Span<UInt8>, body: Span<UInt8>, tail: Span<UInt8>
    ) {
        add(.send(socket, LoopOutput.text(head, body, tail)), socket)
    }

    mutating func send(
        to socket: SocketID, _ part: Range<Int>, of bytes: [UInt8], tail: Span<UInt8>
    ) {
        send(to: socket, head: bytes.span.extracting(part), body: Span(), tail: tail)
    }

    mutating func close(_ socket: SocketID, _ code: CloseCode, reason: StaticString) {
        precondition(reason.utf8CodeUnitCount <= 123)
        add(.close(socket, code), socket)
    }

    mutating func probe(_ socket: SocketID, secondsMax: Int) {
        add(.probe(socket, seconds: secondsMax), socket)
    }

    mutating func nudge(_ socket: SocketID) { add(.nudge(socket), socket) }
    mutating func hold(_ socket: SocketID) { add(.hold(socket), socket) }
    mutating func release(_ socket: SocketID) { add(.release(socket), socket) }

    mutating func postNow() {
        for (loop, action) in mail { mailboxes[loop].post([.posted(action)]) }
        mail = []
    }

    mutating func move<Admission: Sendable>(
        _ socket: SocketID, toAffinity affinity: Int, _ admission: Admission,
        redeliver text: Span<UInt8>
    ) -> Bool { false }
}
