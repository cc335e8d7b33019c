internal import Access
package import Admission
package import ICEServers
package import Identifiers

/// All that the relay asks of the world. Every closure may be called from any thread, and those
/// that a loop's handler calls (`tokens`, `client`, `random64`, `log`) must not block for long.
package struct RelayPorts: Sendable {
    /// The world as admission knows it: clocks, tokens, clients and the log. That a client is gone
    /// costs its live connections: a registry that can't be read must answer with what it last
    /// knew.
    private let admission: AdmissionPorts
    /// 64 bits that nobody can foretell, of which many are needed.
    package let random64: @Sendable () -> UInt64
    /// 128 for a secret, kept nowhere before they are asked for.
    package let random128: @Sendable () -> UInt128
    package let sha256: @Sendable ([UInt8]) -> [UInt8]
    /// What the holder of a token with this `sub` is told of ICE servers; `now` is in seconds since
    /// the epoch.
    package let iceServers: @Sendable (_ subject: Subject, _ now: Int64) -> ICEServers.Offer
    /// To the other nodes of a cluster; nil for a process of its own.
    package let cluster: BusLine?

    package init(
        _ admission: AdmissionPorts, random64: @escaping @Sendable () -> UInt64,
        random128: @escaping @Sendable () -> UInt128,
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8],
        iceServers: @escaping @Sendable (Subject, Int64) -> ICEServers.Offer = { _, _ in .none },
        cluster: BusLine? = nil
    ) {
        self.admission = admission
        self.random64 = random64
        self.random128 = random128
        self.sha256 = sha256
        self.iceServers = iceServers
        self.cluster = cluster
    }

    var now: @Sendable () -> Int64 { admission.now }
    var monotonicMilliseconds: @Sendable () -> Int64 { admission.monotonicMilliseconds }
    var tokens: TokenCheck { admission.tokens }
    var client: @Sendable (_ id: ClientID) -> ClientStanding? { admission.client }
    var log: @Sendable (StaticString, [(StaticString, String)]) -> Void { admission.log }
}
