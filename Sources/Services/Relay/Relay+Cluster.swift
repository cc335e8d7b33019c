package import Cluster
package import Signalling
package import WebSocket

// What a process that is a node of a cluster asks of its relay.
extension Relay {
    /// What speaks for this node on the bus: to be made on that one's thread, once. `sockets` are
    /// those of the loops.
    package func makeClusterHandler<Sockets: SocketPost & ~Copyable>(
        _ node: consuming ClusterNode, _ ports: ClusterPorts, _ sockets: consuming Sockets
    ) -> ClusterHandler<Sockets> {
        guard let line = commons.line else {
            preconditionFailure("a relay without a line is no node of a cluster")
        }
        return ClusterHandler(commons, line, ports, node, sockets)
    }

    /// How this node stands in its cluster; nil for a process of its own.
    package var standing: NodeStanding? { commons.line?.standing }

    /// Nil for a process of its own.
    package var clusterFigures: ClusterFigures? { commons.line?.figures }

    /// Leaves the cluster, after `endSessions`; `ClusterPorts.stands` hears when that is done.
    package func farewell() {
        commons.line?.tell(.farewell)
        commons.line?.knock()
    }

    /// Closes a connection for good, at whatever node it is; `answer` hears on the bus' thread
    /// what became of it, and nothing at all where the process ends before.
    package func kick(
        _ connection: ConnectionID, answer: @escaping @Sendable (KickOutcome) -> Void
    ) {
        guard let line = commons.line else { return answer(.nowhere) }
        line.tell(.kick(connection, answer: answer))
        line.knock()
    }

    /// How many other nodes live; none for a process of its own.
    package var livingOthers: Int { commons.line?.livingOthers ?? 0 }

    /// Other nodes hear that this one will drain soon.
    package func announceDrain() { commons.line?.noteStopping() }

    /// Has all sessions go to other nodes, and their clients with them. Nobody is to be admitted
    /// any more; `whenDone` hears once, on the bus' thread, when all have gone that could, and not
    /// at all where the process ends before.
    package func drain(whenDone: @escaping @Sendable () -> Void) {
        guard let line = commons.line else { return whenDone() }
        line.noteDraining()
        line.tell(.drain(whenDone: whenDone))
        line.knock()
    }
}
