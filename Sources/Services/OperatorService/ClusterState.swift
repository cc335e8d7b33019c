package import Bytes
package import Cluster
package import Relay
import StrictJSON

/// How a process stands in its cluster, and what it knows of that.
package struct ClusterState: Sendable {
    /// Of NATS.
    package struct Store: Sendable {
        package typealias Replica = (name: ByteText, isCurrent: Bool, lag: Int64)
        /// With its version, or by a stable code why it did not say one; neither before it was
        /// asked.
        package typealias Server = (
            url: String, version: String?, trouble: String?, isConnected: Bool
        )

        /// That the node is connected to; nil while it is to none.
        let server: String?
        let version: String
        let servers: [Server]
        /// Of the servers that keep the bucket; nil where one alone does, or none leads.
        let leader: ByteText?
        let replicas: [Replica]
        let answerMilliseconds: Int64?
        /// Connections that took the place of one that was lost.
        let reconnects: Int

        package init(
            server: String?, version: String, servers: [Server], leader: ByteText?,
            replicas: [Replica], answerMilliseconds: Int64?, reconnects: Int
        ) {
            self.server = server
            self.version = version
            self.servers = servers
            self.leader = leader
            self.replicas = replicas
            self.answerMilliseconds = answerMilliseconds
            self.reconnects = reconnects
        }

        /// Servers that keep the bucket, and have all of it; its leader has. A server alone has no
        /// leader, and says nothing of others.
        var currentCount: Int {
            let isAlone = leader == nil && replicas.isEmpty && answerMilliseconds != nil
            return replicas.count { $0.isCurrent } + (leader != nil || isAlone ? 1 : 0)
        }

        var behindCount: Int { replicas.count { !$0.isCurrent } }
    }

    let name: String
    let nodeName: String
    let standing: NodeStanding
    let figures: ClusterFigures
    /// nil before there was a connection.
    let store: Store?

    package init(
        name: String, nodeName: String, standing: NodeStanding, figures: ClusterFigures,
        store: Store?
    ) {
        self.name = name
        self.nodeName = nodeName
        self.standing = standing
        self.figures = figures
        self.store = store
    }

    /// What `GET /cluster` answers.
    var document: JSONValue { .object(object) }

    var object: JSONObject {
        [
            "cluster": .string(ByteText(name)), "node": .string(ByteText(nodeName)),
            "trouble": standing.trouble.map { .string(ByteText($0)) } ?? .null,
            "documentFormat": .number(.init(Int64(figures.format))),
            "nodes": .array(figures.roster.map(\.document)), "nats": store?.document ?? .null,
        ]
    }
}

extension NodeSummary {
    fileprivate var document: JSONValue {
        let state: ByteText =
            switch self.state {
            case .alive: "alive"
            case .dead: "dead"
            case .left: "left"
            }
        return [
            "name": .string(name), "incarnation": .string(ByteText(incarnation.text)),
            "self": .bool(isSelf), "state": .string(state), "version": .string(version),
            "silentMilliseconds": .number(.init(silence)),
            "standing": standing.map { .string($0.word) } ?? .null, "draining": .bool(isDraining),
            "reads": .number(.init(Int64(reads))),
            "connections": .number(.init(Int64(report.connections))),
            "sessions": .number(.init(Int64(report.sessions))),
            "rooms": .number(.init(Int64(report.rooms))),
            "messages": .number(.init(Int64(clamping: report.messages))),
            "natsServer": report.natsServer.isEmpty ? .null : .string(report.natsServer),
            "storeMilliseconds": report.storeMilliseconds.map { .number(.init(Int64($0))) }
                ?? .null,
            "mailsWaiting": waiting.map { .number(.init(Int64($0.mails))) } ?? .null,
            "bytesWaiting": waiting.map { .number(.init(Int64($0.bytes))) } ?? .null,
            "oldestMilliseconds": waiting.map { .number(.init($0.oldestMilliseconds)) } ?? .null,
        ]
    }
}

extension SaidStanding {
    /// As in `usher_cluster_standing`.
    fileprivate var word: ByteText {
        switch self {
        case .member, .stopping: "member"
        case .joining: "joining"
        case .cutOff: "cut_off"
        case .lost: "lost"
        }
    }
}

extension ClusterState.Store {
    fileprivate var document: JSONValue {
        [
            "server": server.map { .string(ByteText($0)) } ?? .null,
            "version": .string(ByteText(version)),
            "servers": .array(
                servers.map { each in
                    [
                        "url": .string(ByteText(each.url)),
                        "version": each.version.map { .string(ByteText($0)) } ?? .null,
                        "trouble": each.trouble.map { .string(ByteText($0)) } ?? .null,
                        "connected": .bool(each.isConnected),
                    ]
                }),
            "leader": leader.map { .string($0) } ?? .null,
            "replicas": .array(
                replicas.map { replica in
                    [
                        "name": .string(replica.name), "current": .bool(replica.isCurrent),
                        "lag": .number(.init(replica.lag)),
                    ]
                }),
            "answerMilliseconds": answerMilliseconds.map { .number(.init($0)) } ?? .null,
        ]
    }
}
