internal import Sessions

/// What bounds the relay's conversations (docs/protocol.md §5); in each limit 0 means none.
package struct RelayConfiguration: Equatable, Sendable {
    package var roomsPerConnectionMax: Int
    package var membersPerRoomMax: Int
    /// How long a v1 session waits for a client whose connection was lost; 0 ends it at once.
    package var resumeGraceSeconds: Int
    /// What is kept of a session's events for a resume.
    package var historyEventsMax: Int
    package var historyBytesMax: Int
    /// What is kept for all clients that are away, together.
    package var detachedBytesMax: Int
    /// What is kept for all clients that are there.
    package var heldBytesMax: Int
    /// What may wait for one v1 client, as `SocketLimits.outboundBytesMax` for a socket.
    package var outboundBytesMax: Int
    /// Age at which a classic connection is closed.
    package var maxAgeSeconds: Int
    package var maxV1AgeSeconds: Int
    /// How long a connection may stay without its first message.
    package var firstMessageSeconds: Int
    /// How long before its token ends a v1 client is told.
    package let tokenExpiringSeconds = 30
    /// Told to v1 clients, as `SocketLimits` has them.
    package var pingIntervalSeconds: Int
    package var maxMessageBytes: Int

    package init(
        roomsPerConnectionMax: Int = 16, membersPerRoomMax: Int = 64, resumeGraceSeconds: Int = 30,
        historyEventsMax: Int = 256, historyBytesMax: Int = 256 << 10,
        detachedBytesMax: Int = 64 << 20, heldBytesMax: Int = 256 << 20,
        outboundBytesMax: Int = 1 << 20, maxAgeSeconds: Int = 7200, maxV1AgeSeconds: Int = 86_400,
        firstMessageSeconds: Int = 60, pingIntervalSeconds: Int = 25,
        maxMessageBytes: Int = 128 << 10
    ) {
        self.roomsPerConnectionMax = roomsPerConnectionMax
        self.membersPerRoomMax = membersPerRoomMax
        self.resumeGraceSeconds = resumeGraceSeconds
        self.historyEventsMax = historyEventsMax
        self.historyBytesMax = historyBytesMax
        self.detachedBytesMax = detachedBytesMax
        self.heldBytesMax = heldBytesMax
        self.outboundBytesMax = outboundBytesMax
        self.maxAgeSeconds = maxAgeSeconds
        self.maxV1AgeSeconds = maxV1AgeSeconds
        self.firstMessageSeconds = firstMessageSeconds
        self.pingIntervalSeconds = pingIntervalSeconds
        self.maxMessageBytes = maxMessageBytes
    }

    var historyLimits: HistoryLimits {
        HistoryLimits(eventsMax: historyEventsMax, bytesMax: historyBytesMax)
    }

    /// For how long after an event somebody may ask for it again: until the socket it was sent to
    /// is found dead, and as long as the session then waits. 0 where that has no bound.
    var historySeconds: Int {
        pingIntervalSeconds > 0 ? pingIntervalSeconds * 3 + resumeGraceSeconds : 0
    }
}
