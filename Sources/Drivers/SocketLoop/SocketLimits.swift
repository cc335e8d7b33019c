/// What one socket may cost. 0 means no limit, unless a line says otherwise.
package struct SocketLimits: Equatable, Sendable {
    /// Bytes of one message, all its fragments together; more closes with 1009. 0, or anything
    /// above it, means `messageBytesSupportedMax`.
    package var messageBytesMax = 131_072
    /// What the counters of a connection, of 32 bits, can take and then some.
    package static let messageBytesSupportedMax = 1 << 30
    /// Bytes queued and not yet taken by the kernel; more closes with 1013.
    package var outboundBytesMax = 1 << 20
    /// Bytes that wait at all sockets of one client, queued or come in part; over it those at which
    /// most waits, of the subject that has most, close with 1013, one after the other.
    package var outboundBytesPerClientMax = 64 << 20
    /// The same of all clients; over it the client gives way at whose sockets most waits.
    package var outboundBytesInAllMax = 512 << 20
    /// Seconds between pings.
    package var pingIntervalSeconds = 25
    /// So many pings in a row without a byte heard: at the next one the socket closes with 4408.
    package let unansweredPingsMax = 2
    /// So long a message may take from its first byte to its last, and a second more for each
    /// `messageBytesPerSecondMin` bytes that have come of it; then its socket closes with 4408. Any
    /// byte counts as life, so that without this a message which trickles in would never end.
    package var messageSecondsMax = 30
    /// At least 1.
    package let messageBytesPerSecondMin = 1024
    /// Over this rate the socket is not read until it is within it again.
    package var messagesPerSecond = 200
    /// So many messages may come at once before the rate counts; at least 1.
    package var messageBurst = 2000
    /// Over the rate for so long without a break, a socket closes with 4429.
    package var overRateSecondsMax = 60
    /// How long to wait until the peer has read our close frame and sent its own; at least 1.
    package var closeTimeoutSeconds = 5
    /// Sockets of one loop; the next one is turned away with 1013, unless it moves there from
    /// another loop.
    package var socketsPerLoopMax = 65_536
    /// Whether binary messages are sent back as they came, for tests of the protocol alone (the
    /// Autobahn suite wants it); else they close with 1003. No handler sees any.
    package var echoesBinary = false

    package init() {}
}
