import Bytes
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
        let own = [
            stands,
            MetricFamily(
                .gauge, "usher_cluster_nodes", "Nodes that live, as this one knows it.",
                figures.nodes),
            MetricFamily(
                .gauge, "usher_cluster_document_format",
                "The format in which rooms are written.", Int(figures.format)),
        ]
        let counted = figures.counted
        return [own, payloads, writes(counted), moves(counted), bucket, lines, waiting]
            .flatMap(\.self)
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
        return [writes, gone]
    }

    private func moves(_ counted: ClusterNode.Tally) -> [MetricFamily] {
        var moved = MetricFamily(
            .counter, "usher_cluster_hand_overs_total",
            "Sessions that went to other nodes, and that came from them.")
        moved.add(counted.given, ["direction": "out"])
        moved.add(counted.taken, ["direction": "in"])
        var failed = MetricFamily(
            .counter, "usher_cluster_hand_overs_failed_total",
            "Sessions that were lost on their way to another node, or that no other took.")
        failed.add(counted.diedOnTheWay, ["reason": "died"])
        failed.add(counted.lostOnTheWay, ["reason": "lost"])
        failed.add(counted.undrained, ["reason": "declined"])
        return [moved, failed]
    }

    private var bucket: [MetricFamily] {
        var replicas = MetricFamily(
            .gauge, "usher_cluster_bucket_replicas",
            "Servers of NATS that keep the bucket, by whether they have all that was written.")
        replicas.add(store?.currentCount ?? 0, ["is": "current"])
        replicas.add(store?.behindCount ?? 0, ["is": "behind"])
        return [
            replicas,
            MetricFamily(
                .gauge, "usher_cluster_store_milliseconds",
                "How long NATS took to answer the last question about the bucket.",
                Int(store?.answerMilliseconds ?? 0)),
            MetricFamily(
                .counter, "usher_cluster_reconnects_total",
                "Connections to NATS that took the place of one that was lost.",
                store?.reconnects ?? 0),
        ]
    }

    /// Of each node that lives, to which something may be on its way. For a moment two nodes may
    /// have one name, and a series is there once.
    private var waiting: [MetricFamily] {
        var lines: [ByteText: (mails: Int, bytes: Int, milliseconds: Int64)] = [:]
        for node in figures.roster {
            guard let waiting = node.waiting else { continue }
            let other = lines[node.name] ?? (0, 0, 0)
            lines[node.name] = (
                other.mails + waiting.mails, other.bytes + waiting.bytes,
                max(other.milliseconds, waiting.oldestMilliseconds)
            )
        }
        var mails = MetricFamily(
            .gauge, "usher_cluster_line_mails", "Mails to another node that it has not answered.")
        var bytes = MetricFamily(
            .gauge, "usher_cluster_line_bytes", "Bytes of these.")
        var seconds = MetricFamily(
            .gauge, "usher_cluster_line_seconds", "For how long the oldest of them has waited.")
        for (name, line) in lines.sorted(by: { $0.key < $1.key }) {
            mails.add(line.mails, ["node": name.string])
            bytes.add(line.bytes, ["node": name.string])
            seconds.add(Double(line.milliseconds) / 1000, ["node": name.string])
        }
        return [mails, bytes, seconds]
    }

    private var lines: [MetricFamily] {
        var frames = MetricFamily(
            .counter, "usher_cluster_frames_total",
            "Frames to other nodes and from them, each with all that there was at its moment.")
        frames.add(figures.counted.framesSent, ["direction": "out"])
        frames.add(figures.counted.framesReceived, ["direction": "in"])
        return [
            frames,
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
                .counter, "usher_cluster_mails_passed_over_total",
                "Mails that only nodes of later versions know, and that were passed over.",
                figures.counted.passedOver),
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
