internal import Sessions
internal import Signalling
internal import WebSocket

/// Clients at this node that want to go on with sessions of other nodes, each while its socket is
/// open.
///
/// Whoever knows a connection may show a secret for it that is none: so secrets are asked for one
/// at a time, and what becomes of one says nothing of the others.
struct AskedResumes {
    /// In the order of asking; the first is asked for.
    private var byConnection: [ConnectionID: [AskedResume]] = [:]
    var count: Int { byConnection.reduce(0) { $0 + $1.value.count } }

    /// - Returns: Whether it is to be asked for now, and the socket of an earlier one with the same
    ///   secret, which is to be closed.
    mutating func add(_ asked: AskedResume) -> (isFirst: Bool, replaced: SocketID?) {
        var waiting = byConnection[asked.connection] ?? []
        let isFirst = waiting.isEmpty
        var replaced: SocketID?
        if let index = waiting.firstIndex(where: { $0.secret == asked.secret }) {
            replaced = waiting[index].resume.socket
            waiting[index] = asked
        } else {
            waiting.append(asked)
        }
        byConnection[asked.connection] = waiting
        return (isFirst, replaced)
    }

    /// Its socket is gone. What was asked for goes on.
    mutating func giveUp(_ asked: AskedResume) {
        byConnection[asked.connection]?.removeAll { $0 === asked }
        if byConnection[asked.connection]?.isEmpty == true { byConnection[asked.connection] = nil }
    }

    /// The session is here, or never will be.
    mutating func take(_ connection: ConnectionID) -> [AskedResume] {
        byConnection.removeValue(forKey: connection) ?? []
    }

    /// What was asked for with the first secret has failed.
    ///
    /// - Returns: Who has waited for it, and who is to be asked for now.
    mutating func fail(_ connection: ConnectionID) -> (failed: AskedResume?, next: AskedResume?) {
        guard var waiting = byConnection[connection], !waiting.isEmpty else { return (nil, nil) }
        let failed = waiting.removeFirst()
        byConnection[connection] = waiting.isEmpty ? nil : waiting
        return (failed, waiting.first)
    }
}
