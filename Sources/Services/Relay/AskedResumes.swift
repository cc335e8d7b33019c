internal import Cluster
internal import Signalling
internal import WebSocket

/// Clients at this node that want to go on with sessions of other nodes.
///
/// Whoever knows a connection may claim its session: so all claims are asked for at once, and each
/// is answered by itself. A connection claims once, with its first message, and as long as it is
/// open: so nobody's claims can keep out another's, and there are never more than connections.
struct AskedResumes {
    private var claims: [ConnectionID: [SessionClaim: AskedResume]] = [:]
    var count: Int { claims.reduce(0) { $0 + $1.value.count } }

    /// - Returns: Who has claimed the same, and gives way.
    mutating func add(_ asked: AskedResume) -> AskedResume? {
        claims[asked.connection, default: [:]].updateValue(asked, forKey: asked.claim)
    }

    /// Its socket is gone.
    ///
    /// - Returns: Whether it waited.
    mutating func giveUp(_ asked: AskedResume) -> Bool {
        guard claims[asked.connection]?[asked.claim] === asked else { return false }
        return fail(asked.connection, asked.claim) != nil
    }

    /// The session is here, or never will be.
    mutating func take(_ connection: ConnectionID) -> [SessionClaim: AskedResume] {
        claims.removeValue(forKey: connection) ?? [:]
    }

    /// What was claimed so has failed.
    ///
    /// - Returns: Who has waited for it.
    mutating func fail(_ connection: ConnectionID, _ claim: SessionClaim) -> AskedResume? {
        let failed = claims[connection]?.removeValue(forKey: claim)
        if claims[connection]?.isEmpty == true { claims[connection] = nil }
        return failed
    }
}
