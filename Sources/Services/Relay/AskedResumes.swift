internal import Cluster
internal import Identifiers
internal import Sessions
internal import Signalling
internal import WebSocket

/// Clients at this node that want to go on with sessions of other nodes, each while its socket is
/// open.
///
/// Whoever knows a connection may claim its session: so all claims are asked for at once, each is
/// answered by itself, and no subject's can keep out another's. A client's tokens that name none
/// are all of one.
struct AskedResumes {
    private struct Entry {
        let asked: AskedResume
        /// Its socket is no more; what is asked for is still to be answered.
        var isGone = false
    }

    enum Addition {
        /// It is to be asked for.
        case new
        /// It is already; the socket of an earlier one is to be closed.
        case known(replaced: SocketID?)
        /// As many of this client's and subject's are as may be.
        case tooMany
    }

    /// What one subject may have asked for of one connection at once: with secrets that are its
    /// own it has two, where one was lost on its way to it.
    static let claimsMax = 8

    private var byConnection: [ConnectionID: [Entry]] = [:]
    var count: Int { byConnection.reduce(0) { $0 + $1.value.count { !$0.isGone } } }

    mutating func add(_ asked: AskedResume) -> Addition {
        var waiting = byConnection[asked.connection] ?? []
        if let index = waiting.firstIndex(where: { $0.asked.claim == asked.claim }) {
            let replaced = waiting[index].isGone ? nil : waiting[index].asked.resume.socket
            waiting[index] = Entry(asked: asked)
            byConnection[asked.connection] = waiting
            return .known(replaced: replaced)
        }
        let own = waiting.count { $0.asked.claim.isSamePeer(as: asked.claim) }
        guard own < Self.claimsMax else { return .tooMany }
        waiting.append(Entry(asked: asked))
        byConnection[asked.connection] = waiting
        return .new
    }

    /// Its socket is gone. What was asked for goes on, and the answer is for nobody else.
    mutating func giveUp(_ asked: AskedResume) {
        let waiting = byConnection[asked.connection] ?? []
        guard let index = waiting.firstIndex(where: { $0.asked === asked }) else { return }
        byConnection[asked.connection]?[index].isGone = true
    }

    /// The session is here, or never will be.
    mutating func take(_ connection: ConnectionID) -> [AskedResume] {
        (byConnection.removeValue(forKey: connection) ?? []).filter { !$0.isGone }.map(\.asked)
    }

    /// What was claimed so has failed.
    ///
    /// - Returns: Who has waited for it.
    mutating func fail(_ connection: ConnectionID, _ claim: SessionClaim) -> AskedResume? {
        guard var waiting = byConnection[connection],
            let index = waiting.firstIndex(where: { $0.asked.claim == claim })
        else { return nil }
        let failed = waiting.remove(at: index)
        byConnection[connection] = waiting.isEmpty ? nil : waiting
        return failed.isGone ? nil : failed.asked
    }
}

extension SessionClaim {
    /// Whether another's token is of the same client and subject.
    fileprivate func isSamePeer(as other: SessionClaim) -> Bool {
        clientID == other.clientID && subject == other.subject
    }
}
