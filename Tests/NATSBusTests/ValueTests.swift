import Bytes
import Cluster
import Foundation
import StrictJSON
import Testing

@testable import NATSBus

/// What needs no server (docs/decisions/0037).
@Suite struct ValueTests {
    @Test(
        "Versions from 2.10.26 on are new enough, and what is no version is not (0037)",
        arguments: [
            ("2.10.26", true), ("2.10.27", true), ("2.11.0", true), ("3.0.0", true),
            ("2.15.1-RC.2", true), ("2.10.25", false), ("2.9.10", false), ("1.99.99", false),
            ("2.10", false), ("", false), ("-", false), ("2.10.x", false), ("2..26", false),
        ])
    func versions(_ version: String, _ isNewEnough: Bool) {
        #expect(ServerGreeting.named(version: version).isNewEnough == isNewEnough)
    }

    @Test("URLs of servers: what they name, and which are none (0037)")
    func servers() throws {
        func shown(_ url: String) -> String? { (try? NATSServer(url))?.description }
        #expect(shown("nats://a.example") == "nats://a.example:4222")
        #expect(shown("tls://10.0.0.1:1") == "tls://10.0.0.1:1")
        #expect(shown("nats://[::1]:4223/") == "nats://[::1]:4223")
        #expect(shown("nats://[::1]") == "nats://[::1]:4222")
        let none = [
            "a.example:4222", "http://a", "nats://", "nats://a:0", "nats://a:65536", "nats://a:b",
            "nats://a/b", "nats://::1", "nats://a b", "nats://a:", "nats://ä",
        ]
        for url in none { #expect(shown(url) == nil, "\(url)") }
        do throws(NATSFault) {
            _ = try NATSServer("nats://user:secret@a:4222")
            Issue.record("taken")
        } catch {
            #expect(!error.description.contains("secret"))
        }
    }

    @Test("A server learned by its address has to have the name of the one that named it (0037)")
    func learnedServers() throws {
        let named = try #require(NATSServer(named: "10.0.0.2:4222", by: NATSServer("tls://a.b:1")))
        #expect(named.description == "tls://10.0.0.2:4222")
        #expect(named.certificateName == "a.b")
        let other = try #require(
            NATSServer(named: "evil.example:4222", by: NATSServer("tls://10.0.0.1:1")))
        #expect(other.certificateName == "10.0.0.1" && other.isTLS)
    }

    @Test(
        "Names of clusters are short, and of letters, digits, - and _",
        arguments: [
            ("a", true), ("Prod_eu-1", true), ("", false), ("a.b", false), ("a b", false),
            ("ä", false), ("*", false), (String(repeating: "a", count: 33), false),
        ])
    func clusterNames(_ text: String, _ isGood: Bool) {
        #expect((ClusterName(text) != nil) == isGood)
    }

    @Test("A user's seed has the public key that NATS' own documentation gives it")
    func seed() {
        let seed: ByteText = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
        #expect(
            UserSeed.publicKey(of: seed)
                == "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4")
        #expect(UserSeed.publicKey(of: ByteText(NKey(.account).seedText)) == nil)
        #expect(UserSeed.publicKey(of: "SU1") == nil)
    }

    @Test(
        "An acknowledgement is one only as a whole; all else is unknown (0037)",
        arguments: [
            (#"{"stream":"S","seq":5}"#, StoreAnswer.accepted(Revision(raw: 5))),
            (#"{"stream":"S","seq":5,"domain":"d"}"#, .accepted(Revision(raw: 5))),
            (#"{"stream":"T","seq":5}"#, .unknown), (#"{"stream":"S","seq":0}"#, .unknown),
            (#"{"stream":"S","seq":"5"}"#, .unknown), (#"{"stream":"S"}"#, .unknown),
            (
                #"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"}}"#,
                .conflict
            ),
            (#"{"error":{"code":400,"err_code":10164},"stream":"S","seq":5}"#, .conflict),
            (#"{"error":{"code":503,"err_code":10008},"stream":"S","seq":5}"#, .unknown),
            (#"{"error":{"code":503},"stream":"S","seq":5}"#, .unknown),
            (#"{"error":5,"stream":"S","seq":5}"#, .unknown), ("", .unknown), ("[]", .unknown),
            (#"{"stream":"S","seq":5} "x""#, .unknown),
        ])
    func acknowledgements(_ text: String, _ answer: StoreAnswer) {
        #expect(JetStreamAnswer.written(Array(text.utf8), stream: "S") == answer)
    }

    @Test("A message that is read is the one that was asked for, or unreadable (0037)")
    func messages() {
        func read(_ text: String) -> StoreAnswer {
            JetStreamAnswer.read(Array(text.utf8), subject: "a").answer
        }
        let revision = Revision(raw: 7)
        #expect(
            read(#"{"message":{"subject":"a","seq":7,"data":"aGk=","time":"x"}}"#)
                == .found(Array("hi".utf8), revision))
        #expect(read(#"{"message":{"subject":"a","seq":7}}"#) == .found([], revision))
        #expect(
            read(#"{"error":{"code":404,"err_code":10037,"description":"no"}}"#)
                == .found(nil, .absent))
        let none = [
            #"{"message":{"subject":"b","seq":7,"data":"aGk="}}"#,
            #"{"message":{"subject":"a","seq":7,"data":"a"}}"#,
            #"{"message":{"subject":"a","seq":-7,"data":"aGk="}}"#, #"{"message":7}"#,
            #"{"error":{"code":503,"err_code":10008}}"#, "{}", "",
        ]
        for text in none { #expect(read(text) == .unreadable, "\(text)") }
    }

    @Test("A bucket's epoch is when it was made and with which first revision (0037)")
    func epochs() {
        func epoch(_ created: String, _ first: String = #","config":{"first_seq":9}"#)
            -> BucketEpoch?
        {
            let text = #"{"created":"\#(created)"\#(first)}"#
            return (try? JSONValue.parse(Array(text.utf8)))?.object.flatMap(Bucket.epoch)
        }
        let one = epoch("2026-11-30T09:00:00.123456789Z")
        #expect(one?.nonce == 9)
        #expect(one == epoch("2026-11-30T09:00:00.123456789Z"))
        let others = [
            "2026-11-30T09:00:00.12345678Z", "2026-11-30T09:00:01.123456789Z",
            "2026-12-01T09:00:00.123456789Z", "2026-11-30T09:00:00Z",
        ].map { epoch($0) }
        #expect(Set([one] + others).count == 5 && !others.contains(nil))
        #expect(epoch("2026-11-30T09:00:00.5Z") == epoch("2026-11-30T09:00:00.500000000Z"))
        for text in ["0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "", "now"] {
            #expect(epoch(text) == nil)
        }
        #expect(epoch("2026-11-30T09:00:00Z", "")?.nonce == 0)
    }

    @Test("Keys that are watched have their subjects, and no subject has another's key (0037)")
    func subjects() throws {
        let subjects = Subjects(cluster: try #require(ClusterName("c")), nonce: 0x1F)
        for key in [StoreKey.open, .node(0), .node(.max), .node(0xAB)] {
            #expect(subjects.key(ByteText(subjects.subject(key))) == key)
        }
        let keys = "$KV.usher-c.000000000000001f."
        #expect(subjects.subject(.node(0xAB)) == keys + "node.00000000000000ab")
        for text in [
            keys + "node.ab", keys + "node.00000000000000AB", keys + "x", "$KV.usher-c.open",
            "$KV.usher-c.0000000000000020.open",
        ] {
            #expect(subjects.key(ByteText(text)) == nil)
        }
    }

    @Test("Where a message stands in a watch, with and without a domain (0037)")
    func places() throws {
        let id = "00000000000000ab"
        let short = try #require(
            WatchedMessage.Place("$JS.ACK.KV_usher-c.\(ByteText(id)).1.20.3.1700000000000000000.4"))
        #expect(short.watch == 0xAB && short.revision == Revision(raw: 20))
        #expect(short.number == 3 && short.pending == 4)
        let long = try #require(
            WatchedMessage.Place("$JS.ACK.d.h.KV_usher-c.\(ByteText(id)).1.20.3.17.4.x"))
        #expect(long.watch == 0xAB && long.number == 3 && long.pending == 4)
        for text: ByteText in ["", "$JS.ACK.a.b", "$JS.ACK.S.name.1.20.3.17.4"] {
            #expect(WatchedMessage.Place(text) == nil)
        }
    }

    @Test("A watch notices what is missing, and what comes of a former one counts no more (0037)")
    func watch() throws {
        let subjects = Subjects(cluster: try #require(ClusterName("c")), nonce: 0x1F)
        let box = Box(Watch())
        _ = box.change { $0.restart(subjects, to: "i", at: 0) }
        func message(
            _ id: UInt64, _ number: UInt64, _ revision: UInt64, pending: UInt64
        ) throws -> WatchedMessage {
            let place = try #require(
                WatchedMessage.Place(
                    ByteText("$JS.ACK.S.\(id.hex).1.\(revision).\(number).1.\(pending)")))
            let subject = ByteText(subjects.subject(.node(1)))
            return WatchedMessage(watch: id, content: .value(subject, [1], place))
        }
        func beat(_ id: UInt64, _ last: UInt64) -> WatchedMessage {
            WatchedMessage(watch: id, content: .beat(last: last))
        }
        let first = box.value.id
        #expect(!box.change { $0.began(pending: 2, at: 1) })
        var heard = try box.change {
            try $0.heard(message(first, 1, 5, pending: 1), subjects, at: 2)
        }
        #expect(heard == .init(event: .watched(.node(1), [1], Revision(raw: 5))))
        #expect(box.change { $0.heard(beat(first, 1), subjects, at: 3) } == .init())
        #expect(box.change { $0.heard(beat(first, 2), subjects, at: 3) }.isGap)
        heard = try box.change { try $0.heard(message(first, 3, 7, pending: 0), subjects, at: 4) }
        #expect(heard == .init(isGap: true))
        let request = String(
            decoding: box.change { $0.restart(subjects, to: "i", at: 5) }.request, as: UTF8.self)
        #expect(request.contains(#""opt_start_seq":6"#))
        #expect(
            try box.change { try $0.heard(message(first, 2, 6, pending: 0), subjects, at: 6) }
                == .init())
        let second = box.value.id
        heard = try box.change { try $0.heard(message(second, 1, 6, pending: 0), subjects, at: 7) }
        #expect(heard.event != nil && heard.completes)
        #expect(!box.value.isSilent(at: 7 + Watch.silenceMillisecondsMax))
        #expect(box.value.isSilent(at: 8 + Watch.silenceMillisecondsMax))
    }

    @Test("All servers are asked before any is asked again, and then ever more slowly (0037)")
    func dials() throws {
        let servers = try (1...3).map { try NATSServer("nats://a:\($0)") }
        let box = Box(Dials(servers, chance: 4))
        var asked: [NATSServer] = []
        for _ in 0..<3 {
            let (server, attempt) = try #require(box.change { $0.begin(0, avoiding: nil) })
            #expect(box.change { $0.begin(0, avoiding: nil) } == nil, "one at a time")
            asked.append(server)
            #expect(box.change { $0.ended(attempt) })
            box.change { $0.failed(at: 0, jitter: 0) }
        }
        #expect(asked == [servers[1], servers[2], servers[0]])
        #expect(box.change { $0.begin(99, avoiding: nil) } == nil)
        let (again, attempt) = try #require(box.change { $0.begin(100, avoiding: servers[1]) })
        #expect(again == servers[2], "the one to be avoided is passed over")
        #expect(box.change { $0.begin(20_100, avoiding: nil) } == nil)
        let (_, second) = try #require(box.change { $0.begin(20_101, avoiding: nil) })
        #expect(!box.change { $0.ended(attempt) }, "what comes too late is not awaited")
        #expect(box.change { $0.ended(second) })
        for _ in 0..<30 { box.change { $0.failed(at: 30_000, jitter: 0) } }
        #expect(box.change { $0.begin(31_999, avoiding: nil) } == nil)
        #expect(
            box.change { $0.begin(32_000, avoiding: nil) } != nil,
            "no pause is longer than two seconds")
        try box.change { try $0.succeeded(knowing: [NATSServer("nats://b:1"), servers[0]]) }
        #expect(box.value.hasChoice)
    }

    @Test("Servers that greet and say no more are tried for ever, less often, and others at once")
    func dialsThatHang() throws {
        let servers = try ["nats://a", "nats://b"].map { try NATSServer($0) }
        let box = Box(Dials([servers[0]], chance: 0))
        var now: Int64 = 0
        for _ in 0..<8 {
            #expect(box.change { $0.begin(now, avoiding: nil) } != nil)
            now += 20_001
        }
        #expect(box.change { $0.begin(now, avoiding: nil) } == nil)
        #expect(box.change { $0.begin(now + 59_999, avoiding: nil) } == nil)
        #expect(box.change { $0.begin(now + 60_000, avoiding: nil) } != nil)
        let both = Box(Dials(servers, chance: 0))
        now = 0
        for _ in 0..<8 {
            let (server, attempt) = try #require(both.change { $0.begin(now, avoiding: nil) })
            now += 20_001
            guard server == servers[1] else { continue }
            #expect(both.change { $0.ended(attempt) })
            both.change { $0.failed(at: now - 20_001, jitter: 0) }
        }
        for _ in 0..<12 {
            guard let (server, attempt) = both.change({ $0.begin(now, avoiding: nil) }) else {
                break
            }
            if server == servers[1] {
                #expect(both.change { $0.ended(attempt) })
            } else {
                now += 20_001
            }
        }
        #expect(both.change { $0.begin(now, avoiding: nil)?.0 } == servers[1])
    }

    @Test("Of the servers that one names 32 are tried at most (0037)")
    func othersMax() throws {
        let names = (0..<40).map { "\"n\($0):4222\"" }.joined(separator: ",")
        let text = #"{"server_id":"N","version":"2.11.0","max_payload":1048576,"#
        let greeting = ServerGreeting.parse(Array("\(text)\"connect_urls\":[\(names)]}".utf8))
        #expect(greeting?.others.count == 32)
    }

    @Test("Two servers that are a cluster keep the bucket both, three or more by three (0037)")
    func replicas() throws {
        func count(_ named: Int, told: Int, isCluster: Bool = true) throws -> Int {
            let servers = try (0..<named).map { try NATSServer("nats://n\($0)") }
            let configuration = NATSConfiguration(
                servers: servers, cluster: try #require(ClusterName("c")), nodeName: "n")
            let others = (0..<told).map { ByteText("n\($0):4222") }
            return configuration.replicas(
                ServerGreeting(
                    id: "N", name: "n", version: "2.11.0", payloadMax: 1 << 20,
                    cluster: isCluster ? "c" : "",
                    wantsTLS: false, isLeaving: false, others: others))
        }
        #expect(try count(1, told: 0, isCluster: false) == 1)
        #expect(try (count(2, told: 2), count(1, told: 2), count(2, told: 0)) == (2, 2, 2))
        #expect(try (count(3, told: 2), count(3, told: 0), count(1, told: 3)) == (3, 3, 3))
        #expect(try (count(1, told: 0), count(5, told: 5)) == (3, 3), "not all servers tell")
    }

    @Test("A refusal is about a right that a node needs, whatever the very subject (0037)")
    func rights() throws {
        let subjects = Subjects(cluster: try #require(ClusterName("c")))
        func right(_ what: String, _ subject: String) -> String? {
            subjects.right(refusedBy: ByteText("Permissions Violation for \(what) \"\(subject)\""))?
                .subjects.string
        }
        #expect(right("Publish to", "$KV.usher-c.0012.race.8.1") == "$KV.usher-c.>")
        #expect(right("Publish to", "$JS.API.STREAM.INFO.KV_usher-c") == subjects.published[2])
        #expect(
            right("Publish to", "$JS.API.CONSUMER.CREATE.KV_usher-c.12") == subjects.published[4])
        #expect(right("Subscription to", "usher.c.inbox.n.12.a.*") == "usher.c.>")
        #expect(right("Subscription to", "$KV.usher-c.0012") == nil)
        #expect(right("Publish to", "$KV.usher-d.0012") == nil)
        #expect(right("Publish to", "$JS.API.STREAM.MSG.GET.KV_usher-d") == nil)
        #expect(right("Publish to", "usher.c") == nil)
        #expect(subjects.inboxes(of: "a.host \"1\"*>") == "usher.c.inbox.a_host__1___")
    }

    /// What a macro may change.
    private final class Box<Value> {
        var value: Value
        init(_ value: Value) { self.value = value }
        func change<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
            try body(&value)
        }
    }
}
