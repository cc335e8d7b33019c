import Bytes
import Relay
import Signalling
import StrictJSON

/// What the operator's page shows, at one moment.
struct OperatorState: Sendable {
    let service: OperatorService
    let relay: OperatedRelay
    private var counts: OperatorCounts { service.counts }

    var json: JSONValue {
        let (now, figures) = (service.ports.now(), relay.figures())
        let cluster = relay.cluster?.state()
        let seen =
            relay.cluster.map { service.elsewhere.look(by: $0, now: service.ports.now) }
            ?? RoomsElsewhere.Seen(relay.rooms())
        let names = cluster?.figures.names ?? [:]
        var state: JSONObject = [
            "time": .number(.init(now)), "version": .string(service.ports.version),
            "uptimeSeconds": .number(.init(max(0, now - service.startedAt))),
            "connections": .number(.init(Int64(figures.classic.open + figures.v1.open))),
            "rooms": .array(seen.rooms.map { $0.document(names) }),
            "roomsTotal": .number(.init(Int64(seen.total))),
            "counters": counters(figures), "refusals": refusals(figures), "keys": stages,
        ]
        if let cluster {
            var document = cluster.object
            document["silent"] = .array(seen.silent.map { .string($0) })
            document["moreRooms"] = .bool(seen.isCut)
            state["cluster"] = .object(document)
        }
        return .object(state)
    }

    private func counters(_ figures: RelayFigures) -> JSONValue {
        let counts: [(String, Int)] = [
            ("messages", figures.received.reduce(0, +)), ("tokens", counts.tokens.value),
            ("httpRequests", counts.http.total),
            ("handshakesAccepted", figures.classic.opened + figures.v1.opened),
            ("handshakesRefused", counts.reports.refusals.reduce(0) { $0 + $1.count }),
        ]
        var object = JSONObject()
        for (name, count) in counts { object[ByteText(name)] = .number(.init(Int64(count))) }
        return .object(object)
    }

    /// Those whose time is known first, the latest before the others.
    private func refusals(_ figures: RelayFigures) -> JSONValue {
        let messages = figures.refused.sorted { $0.key.code < $1.key.code }.map {
            Refusal(kind: "message", reason: $0.key.code, count: $0.value, lastAt: nil)
        }
        let all = (counts.reports.refusals + counts.http.refusals + messages).sorted {
            ($0.lastAt ?? 0) > ($1.lastAt ?? 0)
        }
        return .array(all.map(\.json))
    }

    private var stages: JSONValue {
        .array(
            service.ports.keys().map { key in
                [
                    "kid": .string(key.keyID), "algorithm": .string(key.algorithm),
                    "stage": .string(key.stage), "since": .number(.init(key.since)),
                    "goneAt": key.goneAt.map { .number(.init($0)) } ?? .null,
                ]
            })
    }
}

/// What was turned away for one reason, since the start.
struct Refusal: Equatable, Sendable {
    /// `handshake`, `http` or `message`.
    let kind: String
    /// A code, or a route and a status: never what a request held.
    let reason: String
    let count: Int
    /// Seconds since the Unix epoch; nil where that is not kept.
    let lastAt: Int64?

    fileprivate var json: JSONValue {
        [
            "kind": .string(kind), "reason": .string(reason),
            "count": .number(.init(Int64(count))),
            "lastAt": lastAt.map { .number(.init($0)) } ?? .null,
        ]
    }
}
