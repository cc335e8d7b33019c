/// What a loop has counted since it started; those of several loops can be added up.
package struct LoopFigures: Equatable, Sendable {
    /// Upper bounds of the ranges of `latencies`, in microseconds.
    package static let latencyBounds = [
        50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
    ]

    package var bytesRead = 0
    package var bytesSent = 0
    /// Text frames queued for sockets.
    package var messagesSent = 0
    /// Bytes that the kernel has not taken yet, at the last look.
    package var bytesQueued = 0
    /// Sockets that were closed since too much waited at those of their client.
    package var closedForClientShare = 0
    /// Sockets that were closed since too much waited at all sockets.
    package var closedForWhole = 0
    /// Messages by the time from the read that brought them to the end of the turn, when what they
    /// caused has been handed to the kernel or to another loop; at last those over all bounds.
    package var latencies = [Int](repeating: 0, count: latencyBounds.count + 1)
    /// The sum of these times, in microseconds.
    package var latencyMicroseconds = 0

    package init() {}

    package mutating func noteTurn(messages: Int, microseconds: Int) {
        let range = Self.latencyBounds.firstIndex { microseconds <= $0 }
        latencies[range ?? Self.latencyBounds.count] &+= messages
        latencyMicroseconds &+= messages &* microseconds
    }

    package mutating func add(_ other: LoopFigures) {
        bytesRead += other.bytesRead
        bytesSent += other.bytesSent
        messagesSent += other.messagesSent
        bytesQueued += other.bytesQueued
        closedForClientShare += other.closedForClientShare
        closedForWhole += other.closedForWhole
        for index in latencies.indices { latencies[index] += other.latencies[index] }
        latencyMicroseconds += other.latencyMicroseconds
    }
}
