import Bytes
import StrictJSON
import Testing

@testable import usher

/// `usher cluster status` for people (docs/cluster.md).
struct ClusterTableTests {
    private func node(_ name: ByteText, _ more: JSONObject = [:]) -> JSONObject {
        var node: JSONObject = [
            "name": .string(name), "incarnation": "00000000000000a1", "state": "alive",
            "version": "0.1.0", "silentMilliseconds": 0, "standing": "member",
            "draining": false, "reads": 1,
            "connections": 3, "sessions": 2,
            "rooms": 1, "natsServer": "h:4222", "mailsWaiting": .null,
            "oldestMilliseconds": .null,
        ]
        for member in more.members { node[member.name] = member.value }
        return node
    }

    private func cells(_ node: JSONObject) -> [String] {
        ClusterTable(nodes: [node]).lines[1].split(separator: "  ").map { cell in
            String(cell.drop { $0 == " " })
        }.filter { !$0.isEmpty }
    }

    @Test("A row tells how a node stands, and what waits for its answers (docs/cluster.md)")
    func rows() {
        #expect(
            cells(node("one")) == [
                "one", "alive", "0.1.0", "1", "3", "2", "1", "h:4222", "00000000000000a1",
            ])
        let behind: JSONObject = [
            "mailsWaiting": 12, "oldestMilliseconds": 340,
            "silentMilliseconds": 2100,
        ]
        #expect(cells(node("one", behind))[7...9] == ["12, 0.3 s", "2 s", "h:4222"])
        #expect(cells(node("one", ["draining": true]))[1] == "draining")
        #expect(cells(node("one", ["standing": "cut_off"]))[1] == "cut off")
        #expect(cells(node("one", ["state": "dead", "standing": "cut_off"]))[1] == "dead")
    }

    @Test("Whoever reads no newer format than the others use is named (docs/cluster.md)")
    func whoHoldsBack() {
        func held(_ reads: [Int64], _ format: Int64) -> String? {
            let nodes = reads.enumerated().map { index, reads in
                node(ByteText("n\(index)"), ["reads": .number(.init(reads))])
            }
            return ClusterTable(nodes: nodes).whoHoldsBack(format)
        }
        #expect(held([1, 1], 1) == nil)
        #expect(held([2, 1, 2, 1], 1) == "n1, n3")
        #expect(held([2, 2], 1) == nil, "it is about to be raised")
        #expect(held([2, 0], 1) == nil)
        #expect(held([2, 1], 0) == nil)
    }

    @Test("All servers of NATS that are known are told, and which of them says nothing")
    func servers() {
        func server(_ url: ByteText, _ version: JSONValue, _ trouble: JSONValue) -> JSONValue {
            [
                "url": .string(url), "version": version, "trouble": trouble,
                "connected": .bool(url == "nats://a"),
            ]
        }
        let nats: JSONObject = [
            "server": "nats://a", "version": "2.11.0", "answerMilliseconds": 1,
            "servers": [
                server("nats://a", "2.11.0", .null), server("nats://b", "2.10.26", .null),
                server("nats://c", .null, "nats_unreachable"), server("nats://d", .null, .null),
            ],
            "leader": "n1",
            "replicas": [
                ["name": "n2", "current": true, "lag": 0],
                ["name": "n3", "current": false, "lag": 7],
            ],
        ]
        #expect(
            NATSLines(nats: nats).lines == [
                "NATS: nats://a, nats-server 2.11.0, answers in 1 ms",
                "      nats://b, nats-server 2.10.26",
                "      nats://c, says nothing (nats_unreachable)",
                "      nats://d, not asked yet",
                "bucket: led by n1, n2 current, n3 7 writes behind",
            ])
    }
}
