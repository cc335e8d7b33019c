package import Access
package import ICEServers

/// All that the relay asks of the world. Every closure may be called from any thread, and those
/// that a loop's handler calls (`tokens`, `client`, `random64`, `log`) must not block for long.
package struct RelayPorts: Sendable {
    /// Seconds since the Unix epoch.
    package let now: @Sendable () -> Int64
    /// A clock that never goes back.
    package let monotonicMilliseconds: @Sendable () -> Int64
    /// Which tokens are good.
    package let tokens: TokenCheck
    /// Looks a client up by its id. Nil means that it is gone, and costs its live connections:
    /// a registry that can't be read must answer with what it last knew.
    package let client: @Sendable (_ id: String) -> ClientStanding?
    /// 64 bits that nobody can foretell, of which many are needed.
    package let random64: @Sendable () -> UInt64
    /// 128 for a secret, kept nowhere before they are asked for.
    package let random128: @Sendable () -> UInt128
    package let sha256: @Sendable ([UInt8]) -> [UInt8]
    /// What the holder of a token with this `sub` is told of ICE servers; `now` is in seconds since
    /// the epoch.
    package let iceServers: @Sendable (_ subject: String, _ now: Int64) -> ICEServers.Offer
    /// Takes an event and its fields; they never hold a token, a cookie or a payload.
    package let log: @Sendable (_ event: StaticString, _ fields: [(StaticString, String)]) -> Void

    package init(
        now: @escaping @Sendable () -> Int64,
        monotonicMilliseconds: @escaping @Sendable () -> Int64,
        tokens: TokenCheck, client: @escaping @Sendable (String) -> ClientStanding?,
        random64: @escaping @Sendable () -> UInt64,
        random128: @escaping @Sendable () -> UInt128,
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8],
        iceServers: @escaping @Sendable (String, Int64) -> ICEServers.Offer = { _, _ in .none },
        log: @escaping @Sendable (StaticString, [(StaticString, String)]) -> Void
    ) {
        self.now = now
        self.monotonicMilliseconds = monotonicMilliseconds
        self.tokens = tokens
        self.client = client
        self.random64 = random64
        self.random128 = random128
        self.sha256 = sha256
        self.iceServers = iceServers
        self.log = log
    }
}
