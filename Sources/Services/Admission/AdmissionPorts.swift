package import Access
package import Identifiers

/// What came of noting that a one-use token was used.
package enum MarkResult: Equatable, Sendable {
    /// It had not been used before.
    case fresh
    case used
    /// It could not be noted, so nobody knows.
    case unavailable
}

/// All that admission asks of the world. Every closure may be called from any thread.
package struct AdmissionPorts: Sendable {
    /// Seconds since the Unix epoch.
    package let now: @Sendable () -> Int64
    /// A clock that never goes back.
    package let monotonicMilliseconds: @Sendable () -> Int64
    /// Which tokens are good.
    package let tokens: TokenCheck
    /// Looks a client up by its id; nil means that it is gone.
    package let client: @Sendable (_ id: ClientID) -> ClientStanding?
    /// Notes that the token of this `jti` and `exp` was used.
    package let markUsed: @Sendable (_ tokenID: String, _ expiresAt: Int64) -> MarkResult
    package let sha1: @Sendable ([UInt8]) -> [UInt8]
    /// Takes an event and its fields; they never hold a token, a cookie or a payload.
    package let log: @Sendable (_ event: StaticString, _ fields: [(StaticString, String)]) -> Void

    package init(
        now: @escaping @Sendable () -> Int64,
        monotonicMilliseconds: @escaping @Sendable () -> Int64,
        tokens: TokenCheck, client: @escaping @Sendable (ClientID) -> ClientStanding?,
        markUsed: @escaping @Sendable (String, Int64) -> MarkResult,
        sha1: @escaping @Sendable ([UInt8]) -> [UInt8],
        log: @escaping @Sendable (StaticString, [(StaticString, String)]) -> Void
    ) {
        self.now = now
        self.monotonicMilliseconds = monotonicMilliseconds
        self.tokens = tokens
        self.client = client
        self.markUsed = markUsed
        self.sha1 = sha1
        self.log = log
    }
}
