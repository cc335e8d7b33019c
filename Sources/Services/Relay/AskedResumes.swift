internal import Sessions
internal import Signalling
internal import WebSocket

/// Clients at this node that want to go on with sessions of other nodes, each while its socket is
/// open.
///
/// Whoever knows a connection may show a secret for it that is none: so secrets are asked for one
/// at a time, and what becomes of one says nothing of the others.
struct AskedResumes {
    private struct Entry {
        let asked: AskedResume
        /// Its socket is no more; what is asked for is still to be answered.
        var isGone = false
    }

    /// In the order of asking; the first is asked for.
    private var byConnection: [ConnectionID: [Entry]] = [:]
    var count: Int { byConnection.reduce(0) { $0 + $1.value.count { !$0.isGone } } }

    /// - Returns: Whether it is to be asked for now, and the socket of an earlier one with the same
    ///   secret, which is to be closed.
    mutating func add(_ asked: AskedResume) -> (isFirst: Bool, replaced: SocketID?) {
        var waiting = byConnection[asked.connection] ?? []
        let isFirst = waiting.isEmpty
        var replaced: SocketID?
        if let index = waiting.firstIndex(where: { $0.asked.secret == asked.secret }) {
            if !waiting[index].isGone { replaced = waiting[index].asked.resume.socket }
            waiting[index] = Entry(asked: asked)
        } else {
            waiting.append(Entry(asked: asked))
        }
        byConnection[asked.connection] = waiting
        return (isFirst, replaced)
    }

    /// Its socket is gone. What was asked for goes on, and the answer is for nobody else.
    mutating func giveUp(_ asked: AskedResume) {
        let waiting = byConnection[asked.connection] ?? []
        guard let index = waiting.firstIndex(where: { $0.asked === asked }) else { return }
        if index == 0 {
            byConnection[asked.connection]?[0].isGone = true
        } else {
            byConnection[asked.connection]?.remove(at: index)
        }
    }

    /// The session is here, or never will be.
    mutating func take(_ connection: ConnectionID) -> [AskedResume] {
        (byConnection.removeValue(forKey: connection) ?? []).filter { !$0.isGone }.map(\.asked)
    }

    /// What was asked for with the first secret has failed.
    ///
    /// - Returns: Who has waited for it, and who is to be asked for now.
    mutating func fail(_ connection: ConnectionID) -> (failed: AskedResume?, next: AskedResume?) {
        guard var waiting = byConnection[connection], !waiting.isEmpty else { return (nil, nil) }
        let failed = waiting.removeFirst()
        byConnection[connection] = waiting.isEmpty ? nil : waiting
        return (failed.isGone ? nil : failed.asked, waiting.first?.asked)
    }
}
