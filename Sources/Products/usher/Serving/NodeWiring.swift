import Bytes
import Clients
import Cluster
import Cryptography
import Relay
import SocketLoop

extension Wiring {
    /// Nil where there is no cluster.
    func node(
        _ service: Relay, _ loops: SocketLoops<RelayHandler>, _ line: BusLine?
    ) throws -> ClusterNodeProcess? {
        guard let place = settings.cluster, let line else { return nil }
        let version = NodeVersion.own
        var configuration = ClusterNode.Configuration(
            nodeName: place.nodeName, version: version.text,
            alike: [
                ("registry", try foundations.registry.identity().string),
                ("issuer", issuer), ("audience", audience),
                ("max-members", String(settings.limits.maxMembers)),
                ("max-message-bytes", String(settings.limits.maxMessageBytes)),
            ],
            membersPerRoomMax: settings.limits.maxMembers, reads: line.reads,
            timing: version.timing)
        configuration.awaitsShelf = true
        return try ClusterNodeProcess(
            place, configuration, RandomReserve().uint64(), service, loops, line, log: log)
    }
}
