import Bytes
import Testing

@testable import NATSBus
@testable import usher

@Suite struct DoctorTests {
    private let now: Int64 = 1_800_000_000

    private func level(_ dates: [Int64], now: Int64) -> Finding.Level {
        ClockLook(now: now).finding(dates.map { .init(what: "a client", at: $0) }).level
    }

    @Test("A clock is wrong when something is dated more than 30 seconds ahead of it")
    func clock() {
        #expect(level([], now: now) == .ok)
        #expect(level([now - 1, now + 30], now: now) == .ok)
        #expect(level([now - 1, now + 31], now: now) == .problem)
    }

    @Test("Limits that allow more memory than there is are told (docs/configuration.md)")
    func memory() {
        func level(_ connections: Int, _ mebibytes: Int, of total: Int?) -> Finding.Level? {
            MemoryLook(
                total: total.map { $0 << 20 }, connectionsMax: connections,
                outboundBytesMax: mebibytes << 20
            ).finding()?.level
        }
        #expect(level(0, 512, of: 1024) == nil)
        #expect(level(131_072, 512, of: 1024) == nil)
        #expect(level(131_073, 512, of: 1024) == .warning)
        #expect(level(0, 1025, of: 1024) == .warning)
        #expect(level(0, 1025, of: nil) == nil)
    }

    @Test("A clock that is older than this program is wrong by itself")
    func ancientClock() {
        #expect(level([], now: 0) == .problem)
        #expect(level([], now: 1_700_000_000) == .problem)
    }

    @Test("An answer is its status and what follows the header fields")
    func answers() throws {
        let text = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n{\"status\":\"ok\"}"
        guard case .answer(let answer) = Probe.answer(Array(text.utf8)) else {
            Issue.record("it is an answer")
            return
        }
        #expect(answer.status == 200)
        #expect(answer.body == Array("{\"status\":\"ok\"}".utf8))
        #expect(answer.isOfUsher)
    }

    @Test(
        "What does not speak HTTP is no answer",
        arguments: ["", "SSH-2.0-x\r\n", "HTTP/1.1", "HTTP/1.1 two\r\n\r\n", "HTTP/1.1 200 OK\r\n"])
    func noAnswers(text: String) {
        guard case .silence = Probe.answer(Array(text.utf8)) else {
            Issue.record("it is taken for an answer")
            return
        }
    }

    @Test("Another program's page is not taken for an usher's", arguments: ["<p>", "{}", "[]"])
    func foreignAnswers(body: String) {
        #expect(!Probe.Answer(status: 200, body: Array(body.utf8)).isOfUsher)
    }

    @Test("Only http and https URLs are asked", arguments: ["", "ftp://a", "file:///etc/passwd"])
    func otherURLs(url: String) {
        guard case .notAsked = Probe.get(url) else {
            Issue.record("it was asked")
            return
        }
    }
}

/// Servers of NATS beside one another (docs/operating.md, "usher doctor").
@Suite struct ClusterServersLookTests {
    private func look(_ servers: [(id: ByteText, cluster: ByteText)]) throws -> [Finding] {
        let found = try servers.enumerated().map { index, server in
            NATSExamination.Server(
                server: try NATSServer("nats://h\(index)"), isNamed: true,
                outcome: .success(
                    .init(id: server.id, name: "n", version: "2.11.0", cluster: server.cluster)))
        }
        return ClusterServersLook(found).findings
    }

    @Test("Servers are one cluster by its name, and one that stands alone is one by its id")
    func oneCluster() throws {
        let fine: [[(id: ByteText, cluster: ByteText)]] = [
            [("A", "")], [("A", ""), ("A", "")], [("A", "c"), ("B", "c")],
        ]
        for servers in fine { #expect(try look(servers).map(\.level) == [.ok]) }
        let apart: [[(id: ByteText, cluster: ByteText)]] = [
            [("A", ""), ("B", "")], [("A", "c"), ("B", "")], [("A", "c"), ("B", "d")],
        ]
        for servers in apart { #expect(try look(servers).map(\.level) == [.ok, .problem]) }
    }

    @Test("Where no server is good, none is called so")
    func noneGood() throws {
        let server = try NATSServer("nats://h")
        func levels(_ fault: NATSFault) -> [Finding.Level] {
            let found = NATSExamination.Server(
                server: server, isNamed: true, outcome: .failure(fault))
            return ClusterServersLook([found]).findings.map(\.level)
        }
        #expect(levels(.tooOld(server, version: "2.9.0")) == [.problem])
        #expect(levels(.unreachable(server, "it says nothing")) == [.problem])
    }
}

@Suite struct PrintingTests {
    @Test("Nor can what was found, which servers have a say in")
    func findings() {
        let lines = FindingPrinter.lines([.warning("a", "b\u{1B}[2Jc", "d\u{202E}e")])
        #expect(lines.first == "warning    a  b\u{FFFD}[2Jc")
        #expect(lines.dropFirst().first?.hasSuffix("→ d\u{FFFD}e") == true)
    }

    @Test(
        "Spans of time are told in their two largest units",
        arguments: [
            (0, "0 s"), (59, "59 s"), (60, "1 min"), (543, "9 min 3 s"), (3600, "1 h"),
            (3_601, "1 h"), (90_000, "1 d 1 h"), (86_400 * 400, "400 d"),
        ] as [(Int64, String)])
    func spans(seconds: Int64, text: String) {
        #expect(TokenPrinter.Duration.text(seconds) == text)
    }

    @Test(
        "Nothing that comes out of a token can move the cursor or turn the writing",
        arguments: ["\u{1B}", "\n", "\u{7F}", "\u{9B}", "\u{200F}", "\u{202E}", "\u{2067}"])
    func controls(text: String) {
        #expect(Printable.text("a\(text)b") == "a\u{FFFD}b")
    }

    @Test("Words of every language are printed as they are")
    func words() {
        #expect(Printable.text("Zoë 世界 🎲") == "Zoë 世界 🎲")
    }
}
