package import Bytes

/// Whether an access token may come in the query (docs/protocol.md §1, RFC 9700 §4.3.2).
package enum QueryTokenRule: String, CaseIterable, Sendable {
    case allow
    /// Each `jti` opens one connection.
    case oneUse = "one-use"
    case deny
}

/// Who may connect, and how many (docs/protocol.md §5); in each limit 0 means none.
package struct AdmissionConfiguration: Equatable, Sendable {
    /// The issuer's own origin in the form browsers send (`https://host[:port]`), from which pages
    /// may connect beside those a client lists.
    package var ownOrigins: [ByteText]
    package var queryToken: QueryTokenRule
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
    /// Named in `WWW-Authenticate` (RFC 6750 §3).
    package var realm: String
    /// The cookie that the edge step turns into `Authorization`; told to who sent no token.
    package var edgeCookieName: String

    package init(
        ownOrigins: [ByteText] = [], queryToken: QueryTokenRule = .allow, connectionsMax: Int = 0,
        connectionsPerAddressMax: Int = 1000, connectionsPerClientMax: Int = 0,
        connectionsPerSubjectMax: Int = 0, connectionsPerSecond: Int = 100,
        connectionBurst: Int = 400, realm: String = "usher",
        edgeCookieName: String = "__Host-usher_session"
    ) {
        self.ownOrigins = ownOrigins
        self.queryToken = queryToken
        self.connectionsMax = connectionsMax
        self.connectionsPerAddressMax = connectionsPerAddressMax
        self.connectionsPerClientMax = connectionsPerClientMax
        self.connectionsPerSubjectMax = connectionsPerSubjectMax
        self.connectionsPerSecond = connectionsPerSecond
        self.connectionBurst = connectionBurst
        self.realm = realm
        self.edgeCookieName = edgeCookieName
    }
}
