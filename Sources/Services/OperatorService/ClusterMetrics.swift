import Cluster
import Monitoring
import Relay

extension ClusterState {
    /// Of a node of a cluster.
    var families: [MetricFamily] {
        var stands = MetricFamily(
            .gauge, "usher_cluster_standing", "1 for how this node stands in its cluster, else 0.")
        for word in Standing.allCases {
            stands.add(word == Standing(standing) ? 1 : 0, ["is": word.rawValue])
        }
        return [
            stands,
            MetricFamily(
                .gauge, "usher_cluster_nodes", "Nodes that live, as this one knows it.",
                figures.nodes),
            MetricFamily(
                .gauge, "usher_cluster_document_format",
                "The format in which rooms are written.", Int(figures.format)),
        ] + payloads + writes(figures.counted) + lines
    }

    private var payloads: [MetricFamily] {
        var payloads = MetricFamily(
            .counter, "usher_cluster_payloads_total",
            "Payloads that went to other nodes, a broadcast being one, and that came from them.")
        payloads.add(figures.sent, ["direction": "out"])
        payloads.add(figures.received, ["direction": "in"])
        return [
            payloads,
            MetricFamily(
                .gauge, "usher_cluster_payloads_unanswered",
                "Payloads whose sender waits for an answer of another node.", figures.unanswered),
            MetricFamily(
                .gauge, "usher_cluster_joins_waiting", "Joins that wait for other nodes.",
                figures.joining),
        ]
    }

    private func writes(_ counted: ClusterNode.Tally) -> [MetricFamily] {
        var writes = MetricFamily(
            .counter, "usher_cluster_writes_total",
            "Compare-and-set writes to the bucket in NATS, by what came of them.")
        writes.add(counted.accepted, ["result": "accepted"])
        writes.add(counted.conflicts, ["result": "conflict"])
        writes.add(counted.unknown, ["result": "unknown"])
        var gone = MetricFamily(
            .counter, "usher_cluster_nodes_gone_total", "Other nodes that are part of it no more.")
        gone.add(counted.died, ["how": "died"])
        gone.add(counted.left, ["how": "left"])
        var moved = MetricFamily(
            .counter, "usher_cluster_hand_overs_total",
            "Sessions that went to other nodes, and that came from them.")
        moved.add(counted.given, ["direction": "out"])
        moved.add(counted.taken, ["direction": "in"])
        return [
            writes, gone, moved,
            MetricFamily(
                .gauge, "usher_cluster_store_milliseconds",
                "How long NATS took to answer the last question about the bucket.",
                Int(store?.answerMilliseconds ?? 0)),
        ]
    }

    private var lines: [MetricFamily] {
        [
            MetricFamily(
                .counter, "usher_cluster_lines_full_total",
                "Times that somebody had to wait since too much was on its way to another node.",
                figures.full),
            MetricFamily(
                .gauge, "usher_cluster_connections_waiting",
                "Connections that wait for room in the lines to other nodes.", figures.waiting),
            MetricFamily(
                .counter, "usher_cluster_mails_resent_total",
                "Mails that went to other nodes once more, unanswered for too long.",
                figures.counted.resent),
            MetricFamily(
                .counter, "usher_cluster_unreadable_total",
                "Frames and mails on this node's subjects that no node of this version sends.",
                figures.counted.unreadable),
        ]
    }
}

/// As a label.
private enum Standing: String, CaseIterable {
    case joining, member
    case cutOff = "cut_off"
    case lost, condemned, left, refused

    init(_ standing: NodeStanding) {
        self =
            switch standing {
            case .joining: .joining
            case .member: .member
            case .cutOff: .cutOff
            case .lost: .lost
            case .condemned: .condemned
            case .left: .left
            case .refused: .refused
            }
    }
}
