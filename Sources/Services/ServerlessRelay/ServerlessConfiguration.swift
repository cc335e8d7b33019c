package import Admission
package import Bytes
package import ICEServers
package import Identifiers

/// What an operator can set; in each limit 0 means none, where there may be none.
package struct ServerlessConfiguration: Sendable {
    /// Pages of these origins may connect with a cookie; as browsers send them.
    package var origins: [ByteText] = []
    package var queryToken = QueryTokenRule.allow
    /// Named in `WWW-Authenticate`, which the gateway may not pass on.
    package var realm = "usher"
    /// Checked by `EdgeStep.isCookieName`.
    package var edgeCookieName: ByteText = "__Host-usher_session"
    /// SHA-256 of the secrets under which clients' legacy tokens are good, by client.
    package var legacySecretDigests: [ClientID: [UInt8]] = [:]
    package var iceServers = ICEServers([], lifetimeSeconds: 86_400)
    /// At most 32,768: what the gateway takes in one frame, and pages don't choose frames.
    package var maxMessageBytes = 32_768
    package var roomsPerConnectionMax = 16
    /// At most 96: a broadcast is one transaction, of at most 100 writes.
    package var roomMembersMax = 64
    package var resumeGraceSeconds = 30
    package var historyEventsMax = 256
    package var historyBytesMax = 262_144
    /// Told to v1 clients. The gateway closes what was silent for 600 seconds, and each ping costs
    /// an invocation.
    package var pingIntervalSeconds = 240
    /// How long before its end a v1 client is told to renew its token.
    package let tokenExpiringSeconds = 30

    package init() {}
}

extension ServerlessConfiguration {
    var storeLimits: StoreLimits {
        var limits = StoreLimits()
        limits.roomsPerConnectionMax = roomsPerConnectionMax
        limits.roomMembersMax = roomMembersMax
        limits.historyEventsMax = historyEventsMax
        limits.historyBytesMax = historyBytesMax
        limits.resumeGraceSeconds = resumeGraceSeconds
        return limits
    }
}
