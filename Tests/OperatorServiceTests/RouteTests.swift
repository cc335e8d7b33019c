import Bytes
import HTTPMessages
import Identifiers
import Signalling
import StrictJSON
import Testing

@testable import OperatorService
@testable import Relay

/// What docs/architecture.md §5 says of each route of the operator's port.
private struct Rule: Sendable {
    let path: String
    let methods: [String]
    var wantsBearer = false
    /// Of an answer to who may ask; nil is a stream.
    var status: Int? = 200

    static let all = [
        Rule(path: "/livez", methods: ["GET", "HEAD"]),
        Rule(path: "/readyz", methods: ["GET", "HEAD"]),
        Rule(path: "/metrics", methods: ["GET", "HEAD"]),
        Rule(path: "/", methods: ["GET", "HEAD"]),
        Rule(path: "/operator.js", methods: ["GET", "HEAD"]),
        Rule(path: "/operator.css", methods: ["GET", "HEAD"]),
        Rule(path: "/events", methods: ["GET"], wantsBearer: true, status: nil),
        Rule(path: "/rooms", methods: ["GET"], wantsBearer: true),
        // Of a process that is alone.
        Rule(path: "/cluster", methods: ["GET"], wantsBearer: true, status: 404),
        Rule(
            path: "/peers/\(OperatorBench.member)", methods: ["DELETE"], wantsBearer: true,
            status: 204),
    ]
}

private let bearer: (ByteText, ByteText) = (
    "Authorization", ByteText("Bearer " + OperatorBench.token)
)

private func code(_ response: HTTPResponse?) throws -> ByteText? {
    try JSONValue.parse(response?.body ?? []).object?["error"]?.string
}

@Suite("Routes of the operator's port (docs/architecture.md §5, docs/operating.md)")
struct RouteTests {
    private let bench = OperatorBench()

    @Test("The rules below are of every route but the proxies'")
    func complete() {
        let table = Set(Route.all.map(\.path)).subtracting(["/edge/auth"])
        #expect(Rule.all.count == table.count)
        for rule in Rule.all { #expect(Route.of(ByteText(rule.path)) != nil) }
    }

    @Test("Who may ask is answered", arguments: Rule.all)
    private func answered(_ rule: Rule) {
        for method in rule.methods {
            let response = bench.answer(
                rule.path, method: method, rule.wantsBearer ? [bearer] : [])
            #expect(response?.status == rule.status)
            if let response { #expect(response.headers["Cache-Control"] == "no-store") }
        }
    }

    @Test(
        "Without the operator's token nothing is shown or done, whatever the method (RFC 6750 §3)",
        arguments: Rule.all.filter(\.wantsBearer))
    private func bearerOnly(_ rule: Rule) throws {
        let fields: [[(ByteText, ByteText)]] = [
            [], [("Authorization", "Bearer wrong")], [("Authorization", "Basic eDp5")],
            [("Authorization", ByteText(OperatorBench.token))],
            [("Authorization", ByteText("Bearer \(OperatorBench.token)x"))], [bearer, bearer],
        ]
        for headers in fields {
            for method in rule.methods + ["POST"] {
                let response = bench.answer(rule.path, method: method, headers)
                #expect(response?.status == 401)
                #expect(try code(response) == "unauthorized")
                #expect(response?.headers["WWW-Authenticate"] == #"Bearer realm="usher operator""#)
            }
        }
        #expect(bench.closed == [])
    }

    @Test("The scheme of the token has no case (RFC 9110 §11.1)")
    func scheme() {
        let field = ByteText("bEaReR " + OperatorBench.token)
        #expect(bench.answer("/rooms", [("Authorization", field)])?.status == 200)
    }

    @Test("No page of another origin may ask, with the token or without", arguments: Rule.all)
    private func pages(_ rule: Rule) throws {
        for method in rule.methods + ["OPTIONS"] {
            for origin: ByteText in ["https://evil.example", "null", "http://127.0.0.1:9091"] {
                let response = bench.answer(
                    rule.path, method: method, [bearer, ("Origin", origin)])
                #expect(response?.status == 403)
                #expect(try code(response) == "origin_not_allowed")
            }
            let rebound = bench.answer(rule.path, method: method, host: "evil.example", [bearer])
            #expect(rebound?.status == 403)
            #expect(try code(rebound) == "host_not_allowed")
        }
        let own: (ByteText, ByteText) = ("Origin", "http://127.0.0.1:9090")
        let response = bench.answer(rule.path, method: rule.methods[0], [bearer, own])
        #expect(response?.status == rule.status)
    }

    @Test("Other methods are refused, and those that there are named", arguments: Rule.all)
    private func methods(_ rule: Rule) {
        for method in ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "get"]
        where !rule.methods.contains(method) {
            let response = bench.answer(rule.path, method: method, [bearer])
            #expect(response?.status == 405)
            #expect(response?.headers["Allow"]?.string == rule.methods.joined(separator: ", "))
        }
        #expect(bench.closed == [])
    }

    @Test("What is no route is 404, and to other pages not even that")
    func unknown() throws {
        for path in ["/other.js", "/oauth2/token", "/rooms/", "/peers", "//", "/livez/"] {
            #expect(bench.answer(path, [bearer])?.status == 404)
            #expect(bench.answer(path, host: "evil.example")?.status == 403)
        }
    }

    @Test("Without a relay its routes are none, and without tokens the proxies' is none")
    func halves() {
        let auth = OperatorBench(hasRelay: false)
        for path in ["/", "/events", "/rooms", "/cluster", "/peers/\(OperatorBench.member)"] {
            #expect(auth.answer(path)?.status == 404)
        }
        for path in ["/livez", "/readyz", "/metrics"] {
            #expect(auth.answer(path)?.status == 200)
        }
        let signal = OperatorBench(hasEdge: false)
        #expect(signal.answer("/edge/auth")?.status == 404)
        #expect(signal.answer("/edge/auth", host: "evil.example")?.status == 403)
    }

    @Test("A proxy asks with the Host and Origin of the request that it has")
    func proxies() {
        for method in ["GET", "POST"] {
            let response = bench.answer(
                "/edge/auth", method: method, host: "app.example",
                [("Origin", "https://app.example")])
            #expect(response?.status == 202)
            #expect(response?.headers.contains("Cache-Control") == false)
        }
    }

    @Test("A peer is closed by its connection, and only one that is in a room")
    func kick() {
        for id in ["0123456789abcdee", "", "0123456789ABCDEF", "\(OperatorBench.member)/x"] {
            #expect(bench.answer("/peers/\(id)", method: "DELETE", [bearer])?.status == 404)
        }
        #expect(bench.closed == [])
        _ = bench.answer("/peers/\(OperatorBench.member)", method: "DELETE", [bearer])
        #expect(bench.closed == [OperatorBench.member])
    }

    @Test("In a cluster all nodes are asked for a peer, in whatever room it is")
    func kickElsewhere() {
        let elsewhere = "00000000000000aa"
        let bench = OperatorBench(elsewhere: [elsewhere])
        let answer = bench.answer("/peers/\(elsewhere)", method: "DELETE", [bearer])
        #expect(answer?.status == 200 && answer?.body == Array(#"{"node":"node-2"}"#.utf8))
        let stranger = "/peers/00000000000000ab"
        #expect(bench.answer(stranger, method: "DELETE", [bearer])?.status == 404)
        #expect(bench.closed == [elsewhere, "00000000000000ab"])
    }

    @Test(
        "While a node is silent nobody says that there is no such peer, but whose word is missing")
    func kickSilent() throws {
        let bench = OperatorBench(elsewhere: [])
        let path = "/peers/\(OperatorBench.silenced)"
        let answer = try #require(bench.answer(path, method: "DELETE", [bearer]))
        #expect(answer.status == 503)
        let body = try JSONValue.parse(answer.body).object
        #expect(body?["error"]?.string == "node_silent")
        #expect(body?["error_description"]?.string?.string.contains("node-2, node-3") == true)
    }

    @Test("In a cluster the rooms of all nodes are listed, and whose word is missing")
    func roomsEverywhere() throws {
        let listing = RoomListing(
            rooms: [
                RoomSummary(
                    clientID: "c_1", room: "r",
                    members: [
                        RoomSummary.Member(
                            connection: ConnectionID(raw: 1), peerID: "p", name: "P",
                            dialect: .classic, seconds: 0, order: 1, home: OperatorBench.home)
                    ], hiddenMembers: 2)
            ], silent: ["node-2"], isCut: false)
        let bench = OperatorBench(elsewhere: [], rooms: .listed(listing.serialized([:])))
        let answer = try #require(bench.answer("/rooms", [bearer]))
        let expected: JSONValue = [
            "rooms": [
                [
                    "client_id": "c_1", "room": "r",
                    "members": [
                        [
                            "connectionId": "0000000000000001", "peerId": "p", "name": "P",
                            "dialect": "classic", "seconds": 0,
                            "node": "0000000000000007",
                        ]
                    ], "hiddenMembers": 2,
                ]
            ], "silent": ["node-2"], "truncated": false,
        ]
        #expect(answer.status == 200)
        #expect(try JSONValue.parse(answer.body) == expected)
        let busy = try #require(OperatorBench(elsewhere: []).answer("/rooms", [bearer]))
        #expect(busy.status == 503)
        #expect(try code(busy) == "busy")
        let silent = OperatorBench(elsewhere: [], rooms: .nothingCame).answer("/rooms", [bearer])
        #expect(silent?.status == 503)
        #expect(try code(silent) == "cluster_silent")
    }

    @Test("A node tells its own rooms where it is asked for these, and nothing else is asked")
    func roomsHere() throws {
        let here = try #require(
            OperatorBench(elsewhere: []).answer("/rooms?node=here", [bearer]))
        let rooms = try JSONValue.parse(here.body).object?["rooms"]?.array
        #expect(here.status == 200 && rooms?.count == 1)
        #expect(bench.answer("/rooms?node=here", [bearer])?.status == 200)
        #expect(bench.answer("/rooms?", [bearer])?.status == 200)
        for query in ["node=two", "node=", "node=here&node=here", "all"] {
            #expect(bench.answer("/rooms?\(query)", [bearer])?.status == 400)
        }
    }

    @Test("A list that would be too long says that it is not whole")
    func longList() throws {
        let rooms = ["a", "b", "c"].map { RoomSummary(clientID: "c_1", room: $0, members: []) }
        let listing = RoomListing(rooms: rooms, silent: [], isCut: false)
        let whole = listing.serialized([:])
        for bytesMax in [0, 60, 120, whole.count] {
            let list = try JSONValue.parse(listing.serialized([:], bytesMax: bytesMax)).object
            let count = list?["rooms"]?.array?.count
            #expect(list?["truncated"]?.bool == (count != 3))
            #expect(count == min(3, bytesMax / 50))
        }
    }

    @Test("However many pages look, other nodes are asked once in a while, and not by others")
    func glances() {
        let bench = OperatorBench(elsewhere: [])
        for _ in 0..<3 {
            guard case .stream(_, let next) = bench.outcome("/events", [bearer]) else {
                Issue.record("no stream")
                return
            }
            _ = next()
        }
        #expect(bench.glances == 1 && bench.merges == 1)
    }

    @Test("A page of a node tells of all nodes (docs/operating.md)")
    func eventsOfNode() throws {
        let bench = OperatorBench(elsewhere: [])
        guard case .stream(_, let next) = bench.outcome("/events", [bearer]) else {
            Issue.record("no stream")
            return
        }
        let event = try #require(next())
        let data = event.dropFirst("event: state\ndata: ".utf8.count).dropLast(2)
        let cluster = try JSONValue.parse(Array(data)).object?["cluster"]?.object
        #expect(cluster?["node"]?.string == "n" && cluster?["nodes"]?.array == [])
        #expect(cluster?["silent"]?.array == [] && cluster?["moreRooms"]?.bool == false)
    }

    @Test("What may have to wait for other nodes keeps nobody else waiting")
    func waiting() {
        func mayWait(
            _ bench: OperatorBench, _ method: ByteText, _ path: ByteText, _ query: ByteText? = nil
        ) -> Bool {
            bench.service.mayWait(
                HTTPRequest(method: method, path: path, query: query, headers: HeaderFields([])))
        }
        let (alone, node) = (OperatorBench(), OperatorBench(elsewhere: []))
        #expect(mayWait(node, "DELETE", "/peers/00000000000000ff"))
        #expect(mayWait(node, "GET", "/rooms") && !mayWait(node, "GET", "/rooms", "node=here"))
        #expect(!mayWait(alone, "GET", "/rooms"))
        #expect(!mayWait(node, "GET", "/readyz") && !mayWait(node, "GET", "/metrics"))
        #expect(!mayWait(alone, "DELETE", "/peers/00000000000000ff"))
    }

    @Test("A node of a cluster tells of the others, a process that is alone that it is")
    func clusterState() throws {
        let answer = try #require(OperatorBench(elsewhere: []).answer("/cluster", [bearer]))
        let expected: JSONValue = [
            "cluster": "c", "node": "n", "trouble": "cluster_unreachable", "documentFormat": 0,
            "nodes": [],
            "nats": .null,
        ]
        #expect(try JSONValue.parse(answer.body) == expected)
        #expect(try code(bench.answer("/cluster", [bearer])) == "no_cluster")
    }

    @Test("A node of a cluster tells how it stands there (docs/operating.md, Metrics)")
    func clusterMetrics() {
        func text(_ bench: OperatorBench) -> String {
            String(decoding: bench.answer("/metrics")?.body ?? [], as: UTF8.self)
        }
        let told = text(OperatorBench(elsewhere: []))
        #expect(told.contains("usher_cluster_standing{is=\"cut_off\"} 1\n"))
        #expect(told.contains("usher_cluster_standing{is=\"member\"} 0\n"))
        #expect(told.contains("usher_cluster_writes_total{result=\"conflict\"} 0\n"))
        #expect(!text(OperatorBench()).contains("usher_cluster"))
    }

    @Test("The page's events tell rooms, counters, refusals and keys")
    func events() throws {
        bench.counts.tokens.note()
        bench.counts.http.count(path: "/oauth2/token", status: 401)
        bench.counts.http.count(path: "/any/other", status: 404)
        bench.counts.reports.count("connection_refused", [("reason", "no_token")])
        guard case .stream(let headers, let next) = bench.outcome("/events", [bearer]) else {
            Issue.record("no stream")
            return
        }
        #expect(headers["Content-Type"] == "text/event-stream")
        let event = try #require(next())
        let (head, tail) = ("event: state\ndata: ", "\n\n")
        #expect(event.starts(with: head.utf8) && event.suffix(2) == Array(tail.utf8)[...])
        let state = try JSONValue.parse(
            Array(event.dropFirst(head.utf8.count).dropLast(tail.utf8.count)))
        let expected: JSONValue = [
            "time": 1_800_000_000, "version": "0", "uptimeSeconds": 0, "connections": 0,
            "rooms": [
                [
                    "client_id": "c_1", "room": "lobby",
                    "members": [
                        [
                            "connectionId": "0123456789abcdef", "peerId": "ada", "name": .null,
                            "dialect": "v1", "seconds": 3,
                        ]
                    ],
                ]
            ],
            "roomsTotal": 1,
            "counters": [
                "messages": 0, "tokens": 1, "httpRequests": 2, "handshakesAccepted": 0,
                "handshakesRefused": 1,
            ],
            "refusals": [
                [
                    "kind": "handshake", "reason": "no_token", "count": 1,
                    "lastAt": 1_800_000_000,
                ],
                [
                    "kind": "http", "reason": "/oauth2/token 401", "count": 1,
                    "lastAt": 1_800_000_000,
                ],
            ],
            "keys": [
                [
                    "kid": "k", "algorithm": "ES256", "stage": "signing", "since": 7,
                    "goneAt": .null,
                ]
            ],
        ]
        #expect(state == expected)
    }
}
