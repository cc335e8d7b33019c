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

    /// That the bus is connected to; nil while it is to none.
    package internal(set) var server: String?
    package internal(set) var version: String
    /// All that are known: as they were configured, then what was learned.
    package internal(set) var servers: [String]
    /// Of the bucket; nil where one server alone keeps it, or none leads.
    package internal(set) var leader: ByteText?
    /// Beside the leader.
    package internal(set) var replicas: [Replica] = []
    /// How long the last question about the bucket took to be answered; asked every two seconds.
    package internal(set) var answerMilliseconds: Int64?

    /// `servers` are those that were configured.
    init(_ dialled: Dialled, _ servers: [NATSServer]) {
        server = dialled.line.server.description
        version = dialled.version
        var all = servers
        for other in [dialled.line.server] + dialled.others
        where !all.contains(where: { $0.isSamePlace(as: other) }) {
            all.append(other)
        }
        self.servers = all.map(\.description)
    }

    /// Of what was asked over a connection that is lost, nothing is known any more.
    mutating func noteLost() {
        server = nil
        leader = nil
        replicas = []
        answerMilliseconds = nil
    }

    /// From an INFO of the bucket's stream.
    mutating func note(_ info: JSONObject, after milliseconds: Int64) {
        answerMilliseconds = milliseconds
        let cluster = info["cluster"]?.object
        leader = cluster?["leader"]?.string
        replicas = (cluster?["replicas"]?.array ?? []).compactMap(\.object).compactMap { replica in
            guard let name = replica["name"]?.string else { return nil }
            let isCurrent =
                replica["current"]?.bool == true && replica["offline"]?.bool != true
            return Replica(name: name, isCurrent: isCurrent, lag: replica["lag"]?.int64 ?? 0)
        }
    }
}
