/// What one socket may cost. 0 means no limit, unless a line says otherwise.
package struct SocketLimits: Equatable, Sendable {
    /// Bytes of one message, all its fragments together; more closes with 1009.
    package var messageBytesMax = 131_072
    /// Bytes queued and not yet taken by the kernel; more closes with 1013.
    package var outboundBytesMax = 1 << 20
    /// Seconds between pings.
    package var pingIntervalSeconds = 25
    /// So many pings in a row without a byte heard: at the next one the socket closes with 4408.
    package var unansweredPingsMax = 2
    /// A socket of this age closes with 1001.
    package var ageSecondsMax = 7200
    /// Over this rate the socket is not read until it is within it again.
    package var messagesPerSecond = 200
    /// So many messages may come at once before the rate counts; at least 1.
    package var messageBurst = 2000
    /// Over the rate for so long without a break, a socket closes with 4429.
    package var overRateSecondsMax = 60
    /// How long to wait until the peer has read our close frame and sent its own; at least 1.
    package var closeTimeoutSeconds = 5
    /// Sockets of one loop; the next one is turned away with 1013.
    package var socketsPerLoopMax = 65_536

    package init() {}
}
