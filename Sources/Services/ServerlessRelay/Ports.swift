package import Bytes

/// Why something could not be said to a client through the gateway.
package enum GatewayFault: Error, Equatable, Sendable {
    /// Surely not sent: refused, throttled for longer than there was time, or never asked.
    case unavailable(String)
    /// Perhaps sent: asked, and no answer came.
    case unknown(String)
    /// More than the gateway carries in one message.
    case tooLarge
}

/// The connections that the gateway holds, by its own ids, which no client ever sees. Both block
/// and retry what may be retried until the deadline of the invocation; any thread may call them.
package struct GatewayPort: Sendable {
    /// Sends a text; false where the connection is gone, or is not yet there.
    package let post: @Sendable (_ gateway: ByteText, _ bytes: [UInt8]) throws(GatewayFault) -> Bool
    /// Closes a connection; one that is gone is none the less closed.
    package let end: @Sendable (_ gateway: ByteText) throws(GatewayFault) -> Void

    package init(
        post: @escaping @Sendable (ByteText, [UInt8]) throws(GatewayFault) -> Bool,
        end: @escaping @Sendable (ByteText) throws(GatewayFault) -> Void
    ) {
        self.post = post
        self.end = end
    }
}

/// What wakes the function later.
package struct TimerPort: Sendable {
    package static let secondsMax = 900

    /// Has the function invoked with this text after 0 to 900 seconds, once or more often; false
    /// where there is no queue, or it has not taken it.
    package let after: @Sendable (_ seconds: Int, _ body: [UInt8]) -> Bool

    package init(after: @escaping @Sendable (Int, [UInt8]) -> Bool) { self.after = after }

    package static let none = TimerPort { _, _ in false }
}

/// All else that the function asks of the world. Every closure may be called from any thread.
package struct FunctionPorts: Sendable {
    /// Seconds since the Unix epoch.
    package let now: @Sendable () -> Int64
    /// Milliseconds since the Unix epoch: the clock of the deadlines and of leases.
    package let milliseconds: @Sendable () -> Int64
    /// Sleeps for so many milliseconds.
    package let pause: @Sendable (_ milliseconds: Int) -> Void
    /// So many bytes that nobody can foresee.
    package let random: @Sendable (_ count: Int) -> [UInt8]
    package let sha1: @Sendable ([UInt8]) -> [UInt8]
    package let sha256: @Sendable ([UInt8]) -> [UInt8]
    /// HMAC-SHA-1 with the secret shared with the TURN servers; never asked where there are none.
    package let hmacSHA1: @Sendable ([UInt8]) -> [UInt8]
    /// Takes an event and its fields; they never hold a token, a secret or a payload.
    package let log: @Sendable (_ event: StaticString, _ fields: [(StaticString, String)]) -> Void
    /// Does the same for 0 up to `count`, in any order, several at a time on up to 8 threads, and
    /// returns when all is done.
    package let concurrently:
        @Sendable (_ count: Int, _ body: @escaping @Sendable (Int) -> Void) -> Void

    package init(
        now: @escaping @Sendable () -> Int64, milliseconds: @escaping @Sendable () -> Int64,
        pause: @escaping @Sendable (Int) -> Void, random: @escaping @Sendable (Int) -> [UInt8],
        sha1: @escaping @Sendable ([UInt8]) -> [UInt8],
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8],
        hmacSHA1: @escaping @Sendable ([UInt8]) -> [UInt8],
        log: @escaping @Sendable (StaticString, [(StaticString, String)]) -> Void,
        concurrently: @escaping @Sendable (Int, @escaping @Sendable (Int) -> Void) -> Void
    ) {
        self.now = now
        self.milliseconds = milliseconds
        self.pause = pause
        self.random = random
        self.sha1 = sha1
        self.sha256 = sha256
        self.hmacSHA1 = hmacSHA1
        self.log = log
        self.concurrently = concurrently
    }
}
