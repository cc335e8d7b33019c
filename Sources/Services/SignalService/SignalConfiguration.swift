package import Bytes
internal import Sessions
internal import Signalling

/// Whether an access token may come in the query (PROTOCOL §1, RFC 9700 §4.3.2).
package enum QueryTokenRule: String, CaseIterable, Sendable {
    case allow
    /// Each `jti` opens one connection.
    case oneUse = "one-use"
    case deny
}

/// What bounds the relay's connections (PROTOCOL §5); in each limit 0 means none.
package struct SignalConfiguration: Equatable, Sendable {
    /// The issuer's own origin in the form browsers send (`https://host[:port]`), from which pages
    /// may connect beside those a client lists.
    package var ownOrigins: [ByteText]
    package var queryToken: QueryTokenRule
    package var roomsPerConnectionMax: Int
    package var membersPerRoomMax: Int
    /// Over this, 503; over those below, 429.
    package var connectionsMax: Int
    /// 0 switches off `connectionsPerSecond` too. All addresses of an IPv6 /64 count as one.
    package var connectionsPerAddressMax: Int
    package var connectionsPerClientMax: Int
    /// Counts tokens that name a subject, not those of a client acting for itself.
    package var connectionsPerSubjectMax: Int
    /// Handshakes an address may begin a second, refused ones included.
    package var connectionsPerSecond: Int
    /// How many of them may come at once.
    package var connectionBurst: Int
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
    package var tokenExpiringSeconds: Int
    /// Told to v1 clients, as `SocketLimits` has them.
    package var pingIntervalSeconds: Int
    package var maxMessageBytes: Int
    /// Named in `WWW-Authenticate` (RFC 6750 §3).
    package var realm: String
    /// The cookie that the edge step turns into `Authorization`; told to who sent no token.
    package var edgeCookieName: String

    package init(
        ownOrigins: [ByteText] = [], queryToken: QueryTokenRule = .allow,
        roomsPerConnectionMax: Int = 16, membersPerRoomMax: Int = 64, connectionsMax: Int = 0,
        connectionsPerAddressMax: Int = 1000, connectionsPerClientMax: Int = 0,
        connectionsPerSubjectMax: Int = 0, connectionsPerSecond: Int = 100,
        connectionBurst: Int = 400, resumeGraceSeconds: Int = 30, historyEventsMax: Int = 256,
        historyBytesMax: Int = 256 << 10, detachedBytesMax: Int = 64 << 20,
        heldBytesMax: Int = 256 << 20,
        outboundBytesMax: Int = 1 << 20, maxAgeSeconds: Int = 7200, maxV1AgeSeconds: Int = 86_400,
        firstMessageSeconds: Int = 60, tokenExpiringSeconds: Int = 30,
        pingIntervalSeconds: Int = 25, maxMessageBytes: Int = 128 << 10, realm: String = "usher",
        edgeCookieName: String = "__Host-usher_session"
    ) {
        self.ownOrigins = ownOrigins
        self.queryToken = queryToken
        self.roomsPerConnectionMax = roomsPerConnectionMax
        self.membersPerRoomMax = membersPerRoomMax
        self.connectionsMax = connectionsMax
        self.connectionsPerAddressMax = connectionsPerAddressMax
        self.connectionsPerClientMax = connectionsPerClientMax
        self.connectionsPerSubjectMax = connectionsPerSubjectMax
        self.connectionsPerSecond = connectionsPerSecond
        self.connectionBurst = connectionBurst
        self.resumeGraceSeconds = resumeGraceSeconds
        self.historyEventsMax = historyEventsMax
        self.historyBytesMax = historyBytesMax
        self.detachedBytesMax = detachedBytesMax
        self.heldBytesMax = heldBytesMax
        self.outboundBytesMax = outboundBytesMax
        self.maxAgeSeconds = maxAgeSeconds
        self.maxV1AgeSeconds = maxV1AgeSeconds
        self.firstMessageSeconds = firstMessageSeconds
        self.tokenExpiringSeconds = tokenExpiringSeconds
        self.pingIntervalSeconds = pingIntervalSeconds
        self.maxMessageBytes = maxMessageBytes
        self.realm = realm
        self.edgeCookieName = edgeCookieName
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
