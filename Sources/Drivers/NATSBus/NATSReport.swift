package import Bytes
import StrictJSON

/// What a bus knows of the servers and of those that keep the bucket, for an operator.
package struct NATSReport: Equatable, Sendable {
    package struct Replica: Equatable, Sendable {
        package let name: ByteText
        /// Whether it has all that was written, and was heard.
        package let isCurrent: Bool
        /// How many writes it is behind.
        package let lag: Int64
    }

    package struct Server: Equatable, Sendable {
        package let server: NATSServer
        /// The bus is connected to it.
        package internal(set) var isConnected = false
        /// As it said when it was asked last; nil where it said nothing, and before it was asked.
        package internal(set) var version: String?
        /// Why it said nothing: a stable code.
        package internal(set) var trouble: String?
    }

    /// That the bus is connected to; nil while it is to none.
    package internal(set) var server: String?
    package internal(set) var version: String
    /// All that are known: as they were configured, then what was learned.
    package internal(set) var servers: [Server]
    /// Of the bucket; nil where one server alone keeps it, or none leads.
    package internal(set) var leader: ByteText?
    /// Beside the leader.
    package internal(set) var replicas: [Replica] = []
    /// How long the last question about the bucket took to be answered; asked every two seconds.
    package internal(set) var answerMilliseconds: Int64?
    /// Connections that took the place of one that was lost.
    package let reconnects: Int

    /// `servers` are all that are known, `former` what was known before, if anything.
    init(_ dialled: Dialled, _ servers: [NATSServer], after former: NATSReport?) {
        server = dialled.line.server.description
        version = dialled.version
        self.servers = servers.map { server in
            guard !server.isSamePlace(as: dialled.line.server) else {
                return Server(server: server, isConnected: true, version: dialled.version)
            }
            let known = former?.servers.first { $0.server == server }
            return Server(server: server, version: known?.version, trouble: known?.trouble)
        }
        reconnects = former.map { $0.reconnects + 1 } ?? 0
    }

    /// What a server said of itself, or why it said nothing.
    mutating func note(_ greeting: Result<ServerGreeting, NATSFault>, of server: NATSServer) {
        guard let index = servers.firstIndex(where: { $0.server == server }) else { return }
        switch greeting {
        case .success(let greeting):
            servers[index].version = greeting.version.string
            servers[index].trouble = nil
        case .failure(let fault):
            servers[index].version = nil
            servers[index].trouble = fault.code
        }
    }

    /// Of what was asked over a connection that is lost, nothing is known any more.
    mutating func noteLost() {
        server = nil
        for index in servers.indices { servers[index].isConnected = false }
        leader = nil
        replicas = []
        answerMilliseconds = nil
    }

    /// From an INFO of the bucket's stream.
    mutating func note(_ info: JSONObject, after milliseconds: Int64) {
        answerMilliseconds = milliseconds
        let cluster = info["cluster"]?.object
        leader = cluster?["leader"]?.string
        replicas = Replica.beside(leaderIn: cluster)
    }
}

extension NATSReport.Replica {
    /// From what an INFO of the stream has as its `cluster`.
    static func beside(leaderIn cluster: JSONObject?) -> [NATSReport.Replica] {
        (cluster?["replicas"]?.array ?? []).compactMap(\.object).compactMap { replica in
            guard let name = replica["name"]?.string else { return nil }
            let isCurrent =
                replica["current"]?.bool == true && replica["offline"]?.bool != true
            return Self(name: name, isCurrent: isCurrent, lag: replica["lag"]?.int64 ?? 0)
        }
    }
}
