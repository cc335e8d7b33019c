package import Identifiers

/// How a socket's conversation ended.
package enum SocketEnd: Equatable, Sendable {
    /// The peer sent a close frame; without a code when its payload was empty (RFC 6455 §7.1.5).
    case peerClosed(code: UInt16?)
    /// This side ended it: by request, or for a broken rule or limit.
    case closedByUs(CloseCode)
    /// Reset, or the end of the stream without a close frame.
    case lost
}

/// Whose a socket is, where several want more than there is.
package protocol SocketOwner: AnyObject, Sendable {
    var clientID: ClientID { get }
    var subject: Subject { get }
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

    /// Whose share counts what waits at a connection.
    func owner(of admission: Admission) -> any SocketOwner

    /// A socket was adopted, and its handshake is done; or it moved here from another loop.
    mutating func opened(
        _ socket: SocketID, _ admission: Admission, _ loop: inout some SocketOutput & ~Copyable)

    /// One whole text message, valid UTF-8; `text` lies in the loop's buffer during the call only.
    mutating func received(
        _ text: Span<UInt8>, from socket: SocketID, _ loop: inout some SocketOutput & ~Copyable)

    /// The conversation is over; called exactly once for each `opened`, in the loop's same turn,
    /// unless the socket moved to another loop.
    ///
    /// What remains of the closing handshake is the loop's own affair: for handlers the socket is
    /// gone, and nothing can be sent to it any more.
    mutating func closed(
        _ socket: SocketID, _ end: SocketEnd, _ loop: inout some SocketOutput & ~Copyable)

    /// Somebody nudged this socket: once or more since the last call, for a reason that the handler
    /// finds out itself. Never called for a socket that is gone.
    mutating func nudged(_ socket: SocketID, _ loop: inout some SocketOutput & ~Copyable)

    /// A note that another thread posted to every loop, in the order of posting.
    ///
    /// It misses a socket that is just moving between loops, so `opened` must look at what notes
    /// tell of by itself.
    mutating func told(_ note: Note, _ loop: inout some SocketOutput & ~Copyable)

    /// Called about once a second.
    mutating func ticked(_ loop: inout some SocketOutput & ~Copyable)

    /// A turn of the loop is over, and what it asked of other loops is posted.
    mutating func turnEnded()
}

extension SocketHandler where Self: ~Copyable {
    package mutating func turnEnded() {}
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

    /// Has the `nudged` of the socket's own loop called: for a socket of this loop before its turn
    /// ends, for another's in the turn that collects the mail. Nothing happens if it is gone.
    ///
    /// A handler that answers each nudge with a nudge of its own loop keeps its loop for ever.
    mutating func nudge(_ socket: SocketID)

    /// Has what a socket sends wait: no message of it is handed to the handler until `release`. If
    /// it is the one whose message is being handled, what was read behind that waits as well.
    ///
    /// Control frames are met meanwhile, those too that come behind messages: pings are answered,
    /// pongs are heard, and a close frame or the end of the stream ends the conversation, and drops
    /// what waited. The time that a message may take stands still, and so does the time over the
    /// message rate, against which waiting messages count only once they are handed on. When as
    /// many bytes wait as a message may have, the socket is not read, and its silence not counted.
    /// It stays held where it moves to; only the message that moves with it is handed on there.
    ///
    /// - Parameter socket: One of this loop; for another's it is done when that loop collects its
    ///   mail. Nothing happens if it is gone, or held already.
    mutating func hold(_ socket: SocketID)

    /// Hands on what a held socket has sent, in its order, before the turn ends; and so on.
    ///
    /// - Parameter socket: As for `hold`. Nothing happens if it is not held.
    mutating func release(_ socket: SocketID)

    /// Posts what was asked of other loops so far, which else waits for the end of this turn.
    ///
    /// Whatever another loop does because of something that this thread does afterwards, it finds
    /// what was posted before in its mailbox by then.
    mutating func postNow()

    /// Hands a socket over to another loop, from the handler's `received` of that socket alone.
    ///
    /// This loop's id names nothing any more, and `closed` is not called for it: whatever others
    /// ask of that id from now on is dropped, so nobody else should know it. There, `opened` comes
    /// first, with `admission` and a new id, then `received` with `text`, then whatever the client
    /// had sent behind; what was sent to the client stays in order. `opened` is called in any case,
    /// be it to end soon; `received` is not where the loop has stopped to read meanwhile.
    ///
    /// - Parameters:
    ///   - socket: The one whose message is being handled.
    ///   - affinity: Chooses the loop, as for a socket that is adopted.
    ///   - admission: For `opened`; it must be of the handler's own `Admission` type.
    ///   - text: The message to hand on, which is copied: as a rule the one being handled.
    /// - Returns: False if the socket stays, since it is at home there already, or is closing.
    mutating func move<Admission: Sendable>(
        _ socket: SocketID, toAffinity affinity: Int, _ admission: Admission,
        redeliver text: Span<UInt8>
    ) -> Bool

    /// Which of the loops this is, as in `SocketID.loop`.
    var index: Int { get }

    /// Seconds on a clock that never goes back; its zero means nothing.
    var monotonicSeconds: Int64 { get }
}

/// The same for a thread that is no loop, and handles nobody's message.
package protocol SocketPost: SocketOutput, ~Copyable {
    /// Whose share counts what is sent to a loop that is behind.
    var speaker: ClientID { get set }

    /// The same as `send` of a part that others may hold, with what goes behind it: so it may go
    /// without being copied for each socket.
    mutating func send(
        to socket: SocketID, _ part: Range<Int>, of bytes: [UInt8], tail: Span<UInt8>)
}
