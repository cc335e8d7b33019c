/// How a socket's conversation ended.
package enum SocketEnd: Equatable, Sendable {
    /// The peer sent a close frame; without a code when its payload was empty (RFC 6455 §7.1.5).
    case peerClosed(code: UInt16?)
    /// This side ended it: by request, or for a broken rule or limit.
    case closedByUs(CloseCode)
    /// Reset, or the end of the stream without a close frame.
    case lost
}

/// What speaks over the sockets of one loop: it gets whole messages and answers through `loop`.
///
/// Each loop has a handler of its own, made and called on the loop's thread only. Every callback
/// may send to, close and probe any socket of any loop, its own included. A callback must not
/// block: the sockets of its loop wait meanwhile.
package protocol SocketHandler: SendableMetatype, ~Copyable {
    /// What was decided about a connection before it was adopted.
    associatedtype Admission: Sendable
    /// What other threads tell every loop.
    associatedtype Note: Sendable

    /// A socket was adopted; its handshake is done.
    mutating func opened(
        _ socket: SocketID, _ admission: Admission, _ loop: inout some SocketOutput & ~Copyable)

    /// One whole text message, valid UTF-8; `text` lies in the loop's buffer during the call only.
    mutating func received(
        _ text: Span<UInt8>, from socket: SocketID, _ loop: inout some SocketOutput & ~Copyable)

    /// The conversation is over; called exactly once for each `opened`, in the loop's same turn.
    ///
    /// What remains of the closing handshake is the loop's own affair: for handlers the socket is
    /// gone, and nothing can be sent to it any more.
    mutating func closed(
        _ socket: SocketID, _ end: SocketEnd, _ loop: inout some SocketOutput & ~Copyable)

    /// A note that another thread posted to every loop, in the order of posting.
    mutating func told(_ note: Note, _ loop: inout some SocketOutput & ~Copyable)

    /// Called about once a second.
    mutating func ticked(_ loop: inout some SocketOutput & ~Copyable)
}

/// What a handler may ask of its loop. Sockets of other loops are reached through their mailboxes.
package protocol SocketOutput: ~Copyable {
    /// Queues one text frame made of three pieces, which are copied; dropped if the socket is gone.
    ///
    /// A socket whose queue would grow over the outbound limit is closed with 1013 instead. The
    /// frames of one sender to one target stay in order.
    mutating func send(
        to socket: SocketID, head: Span<UInt8>, body: Span<UInt8>, tail: Span<UInt8>)

    /// Starts the closing handshake behind all that is queued; `closed` follows on its own loop.
    ///
    /// - Parameters:
    ///   - socket: Any loop's socket; nothing happens if it is gone.
    ///   - code: One that may be sent in a frame.
    ///   - reason: At most 123 bytes of UTF-8; longer ones are left out.
    mutating func close(_ socket: SocketID, _ code: CloseCode, reason: StaticString)

    /// Pings a socket at once, and closes it with 4408 if nothing is heard in `secondsMax` seconds.
    mutating func probe(_ socket: SocketID, secondsMax: Int)

    /// Seconds on a clock that never goes back; its zero means nothing.
    var monotonicSeconds: Int64 { get }
}
