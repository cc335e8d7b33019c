import Bytes
import Glibc
import HTTPMessages
import ServerSupport
import Testing

@testable import HTTPClient

@Suite struct DeadlineTests {
    private static let limit = Duration.milliseconds(400)

    /// Expects that time is over in that step, and not much later.
    private func expectTimeOver(
        _ step: HTTPClientError.Step, _ client: HTTPClient = HTTPClient(),
        scheme: String = "http", body: [UInt8] = [], _ script: @escaping ScriptedServer.Script
    ) throws {
        let server = try ScriptedServer(nil, script)
        let start = ContinuousClock.now
        let outcome = client.ask(server, "PUT", scheme: scheme, body: body, within: Self.limit)
        let time = start.duration(to: .now)
        guard case .fault(.timedOut(_, let ended)) = outcome else {
            Issue.record("\(outcome.code ?? "an answer")")
            return
        }
        #expect(ended == step)
        #expect(time >= Self.limit)
        #expect(time < Self.limit + .seconds(5), "\(time)")
    }

    @Test("One limit holds for silence, slowness and what never ends")
    func answers() throws {
        try expectTimeOver(.receiving) { $0.untilEnd() }
        try expectTimeOver(.receiving) { peer in
            _ = peer.request()
            peer.send("HTTP/1.1 200 OK\r\nX: ")
            peer.sendForever("x", everyMilliseconds: 30)
        }
        try expectTimeOver(.receiving) { peer in
            _ = peer.request()
            peer.send("HTTP/1.1 200 OK\r\n\r\n")
            peer.sendForever("x", everyMilliseconds: 1)
        }
        try expectTimeOver(.receiving) { peer in
            _ = peer.request()
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell")
            peer.untilEnd()
        }
        try expectTimeOver(.receiving) { peer in
            _ = peer.request()
            peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            peer.sendForever("1\r\nx\r\n", everyMilliseconds: 20)
        }
    }

    @Test("It holds for a receiver that takes nothing")
    func sending() throws {
        let body = [UInt8](repeating: 0, count: 64 << 20)
        try expectTimeOver(.sending, body: body) { _ in sleep(3) }
    }

    @Test("It holds for a handshake with somebody who is silent")
    func handshake() throws {
        let client = HTTPClient(trust: TLSTrust(pemFile: TestKeys.authority))
        try expectTimeOver(.handshake, client, scheme: "https") { _ in sleep(3) }
    }

    @Test("What floods is stopped by size, long before")
    func floods() throws {
        let heads = [
            ("HTTP/1.1 200 OK\r\n", "X: y\r\n", "http_answer_too_many_fields"),
            ("", "HTTP/1.1 100 Continue\r\n\r\n", "http_answer_head_too_large"),
            ("HTTP/1.1 200 OK\r\nX: ", "xxxxxxxxxxxxxxxx", "http_answer_head_too_large"),
            (
                "HTTP/1.1 200 OK\r\n\r\n", String(repeating: "x", count: 65536),
                "http_answer_body_too_large"
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n",
                "http_answer_too_many_fields"
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", "xxxxxxxxxxxxxxxx",
                "http_answer_chunk_extension"
            ),
        ]
        for (head, flood, code) in heads {
            let server = try ScriptedServer { peer in
                _ = peer.request()
                peer.send(head)
                peer.sendForever(flood)
            }
            #expect(HTTPClient().ask(server).code == code)
        }
    }

    @Test("A deadline that is past lets nothing be done")
    func past() throws {
        let server = try ScriptedServer { peer in
            while peer.request() != nil { peer.send(answer("\(peer.number)")) }
        }
        let client = HTTPClient()
        #expect(client.ask(server).body == "1")
        #expect(client.ask(server, within: .seconds(-1)).code == "http_timed_out")
        #expect(client.ask(server).body != nil)
    }

    @Test("Without a deadline an answer may take as long as it likes")
    func never() throws {
        let server = try ScriptedServer { peer in
            _ = peer.request()
            usleep(300_000)
            peer.send(answer("at last"))
        }
        let url = try HTTPURL("http://127.0.0.1:\(server.port)/")
        let response = try HTTPClient().request("GET", url, deadline: .never)
        #expect(response.body == Array("at last".utf8))
    }
}

@Suite struct ConnectingTests {
    private static func address(_ port: UInt16) throws -> [PeerAddress] {
        try NameLookup.addresses(
            of: "127.0.0.1", port: port, deadline: Deadline(after: .seconds(5)))
    }

    @Test("A port where nobody listens is named, and nothing has arrived")
    func refused() throws {
        let (listener, port) = try ScriptedServer.listen(backlog: 1)
        close(listener)
        do throws(HTTPClientError) {
            _ = try HTTPClient().request(
                "GET", try HTTPURL("http://127.0.0.1:\(port)/"),
                deadline: Deadline(after: .seconds(5)))
            Issue.record("an answer")
        } catch {
            guard case .notConnected(_, let number) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(number == ECONNREFUSED)
            #expect(!error.mayHaveArrived)
            #expect(error.description.contains("http://127.0.0.1:\(port)"))
        }
    }

    @Test("localhost is resolved, and its addresses tried until one answers")
    func localhost() throws {
        let server = try ScriptedServer { peer in
            _ = peer.request()
            peer.send(answer("here"))
        }
        // Listens on 127.0.0.1 alone, while the name stands for ::1 as well on most machines.
        #expect(HTTPClient().ask(server, host: "localhost").body == "here")
    }

    @Test("A name that does not exist is named, in time")
    func unknown() throws {
        let start = ContinuousClock.now
        do throws(HTTPClientError) {
            _ = try HTTPClient().request(
                "GET", try HTTPURL("http://no-such-name.invalid/"),
                deadline: Deadline(after: .seconds(2)))
            Issue.record("an answer")
        } catch {
            // Where no server of names answers, time is over first.
            #expect(["http_name_not_resolved", "http_timed_out"].contains(error.code), "\(error)")
            #expect(error.description.contains("no-such-name.invalid"))
            #expect(!error.mayHaveArrived)
        }
        #expect(start.duration(to: .now) < .seconds(8))
    }

    @Test("An address from which nothing comes leaves time for the others")
    func blackHole() throws {
        // A full backlog: the kernel drops further SYNs.
        let (full, port) = try ScriptedServer.listen(backlog: 0)
        defer { close(full) }
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue)
        let fillers = (0..<4).map { _ in socket(AF_INET, type, 0) }
        defer { fillers.forEach { close($0) } }
        let hole = try Self.address(port)
        for filler in fillers { _ = hole[0].connect(filler) }
        usleep(50_000)
        let start = ContinuousClock.now
        #expect(throws: TransportFault.timedOut) {
            _ = try TCPSocket.connect(to: hole, deadline: Deadline(after: .milliseconds(300)))
        }
        let server = try ScriptedServer { $0.untilEnd() }
        let both = hole + (try Self.address(server.port))
        _ = try TCPSocket.connect(to: both, deadline: Deadline(after: .seconds(2)))
        let time = start.duration(to: .now)
        #expect(time >= .milliseconds(1300) && time < .seconds(4), "\(time)")
    }
}
