import Monitoring
import Relay
import Signalling

extension OperatedRelay {
    func families(_ loops: LoopFigures) -> [MetricFamily] {
        let relay = figures()
        var open = MetricFamily(.gauge, "usher_connections", "Connections that are open.")
        var opened = MetricFamily(
            .counter, "usher_connections_opened_total", "Connections that were let in.")
        for (dialect, figures) in [("classic", relay.classic), ("v1", relay.v1)] {
            open.add(figures.open, ["dialect": dialect])
            opened.add(figures.opened, ["dialect": dialect])
        }
        return [open, opened] + sessions(relay) + messages(relay, loops) + traffic(loops)
            + (cluster?.state().families ?? [])
    }

    private func sessions(_ relay: RelayFigures) -> [MetricFamily] {
        var ended = MetricFamily(
            .counter, "usher_sessions_away_ended_total",
            "v1 sessions that ended before their time, since others were short of something.")
        for shortage in RelayFigures.Shortage.allCases {
            ended.add(relay.ended[shortage] ?? 0, ["short_of": shortage.rawValue])
        }
        var forgotten = MetricFamily(
            .counter, "usher_sessions_forgetting_total",
            "Times that a v1 session dropped its sent events, since others were short of room.")
        for shortage in [RelayFigures.Shortage.bytesOfClient, .bytes] {
            forgotten.add(relay.forgotten[shortage] ?? 0, ["short_of": shortage.rawValue])
        }
        return [
            MetricFamily(.gauge, "usher_rooms", "Rooms with members.", roomCount()),
            MetricFamily(
                .gauge, "usher_sessions_away", "v1 sessions whose connection is lost.",
                max(0, sessionCount() - relay.v1.open)),
            MetricFamily(
                .counter, "usher_sessions_resumed_total", "v1 sessions that were resumed.",
                relay.resumed),
            ended, forgotten,
        ]
    }

    private func messages(_ relay: RelayFigures, _ loops: LoopFigures) -> [MetricFamily] {
        var received = MetricFamily(
            .counter, "usher_messages_received_total", "Messages of peers that were acted on.")
        for action in RelayFigures.Action.allCases {
            received.add(relay.received[action.rawValue], ["action": action.name])
        }
        var refused = MetricFamily(
            .counter, "usher_messages_refused_total", "Messages of peers that were refused.")
        for error in SignalError.allCases {
            refused.add(relay.refused[error] ?? 0, ["code": error.code])
        }
        return [
            received, refused,
            MetricFamily(
                .counter, "usher_messages_sent_total", "Events queued for peers.",
                loops.messagesSent),
        ]
    }

    private func traffic(_ loops: LoopFigures) -> [MetricFamily] {
        var bytes = MetricFamily(
            .counter, "usher_socket_bytes_total", "Bytes read from WebSockets and written to them.")
        bytes.add(loops.bytesRead, ["direction": "in"])
        bytes.add(loops.bytesSent, ["direction": "out"])
        var closed = MetricFamily(
            .counter, "usher_overload_closes_total",
            "Connections closed since too much waited at those of their client, or at all.")
        closed.add(loops.closedForClientShare, ["short_of": "client-bytes"])
        closed.add(loops.closedForWhole, ["short_of": "bytes"])
        return [
            bytes, closed,
            MetricFamily(
                .gauge, "usher_outbound_queue_bytes", "Bytes that wait for slow readers.",
                loops.bytesQueued),
        ]
    }
}

extension LoopFigures {
    var latency: MetricHistogram {
        MetricHistogram(
            "usher_message_latency_seconds",
            "From reading a message to having handed what it caused to the kernel.",
            bounds: Self.latencyBounds.map { Double($0) / 1e6 },
            counts: latencies, sum: Double(latencyMicroseconds) / 1e6)
    }
}
