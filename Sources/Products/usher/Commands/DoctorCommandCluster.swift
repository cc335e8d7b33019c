import NATSBus

/// NATS, as a node of the cluster would find it.
struct ClusterLook {
    let findings: [Finding]

    private static let check = "cluster"

    init(_ place: ClusterPlace) {
        do throws(NATSFault) {
            findings = Self.findings(try NATSExamination.run(try place.configuration()), place)
        } catch {
            findings = [.problem(Self.check, "\(error.code): \(error)", nil)]
        }
    }

    private static func findings(
        _ found: NATSExamination, _ place: ClusterPlace
    ) -> [Finding] {
        var findings: [Finding] = [
            .ok(check, "nats-server \(found.version) at \(found.server), with JetStream")
        ]
        switch found.replicas {
        case nil:
            findings.append(
                .notChecked(
                    "cluster_bucket", "no node of the cluster \(place.name) has run yet",
                    "the first one makes the bucket"))
        case 1?:
            findings.append(
                .warning(
                    "cluster_bucket",
                    "one server of NATS keeps who is in which room: without it nobody joins",
                    "three servers with JetStream as one cluster, and --cluster for each"))
        case let count?:
            findings.append(.ok("cluster_bucket", "\(count) servers keep who is in which room"))
        }
        for difference in found.differences {
            findings.append(.warning("cluster_bucket", difference.what, difference.remedy))
        }
        if !found.server.isTLS, place.credentials != nil {
            findings.append(
                .warning(
                    "cluster_tls", "credentials and payloads travel to NATS in the clear",
                    "tls:// in --cluster, unless the network between is yours alone"))
        }
        return findings
    }
}
