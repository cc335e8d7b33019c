import Bytes
import Glibc
import HTTPMessages
import Locking
import ServerSupport
import Testing

@testable import HTTPClient

@Suite struct KeptConnectionTests {
    @Test("One connection serves many requests")
    func kept() throws {
        let server = try ScriptedServer { peer in
            while peer.request() != nil { peer.send(answer("\(peer.number)")) }
        }
        let client = HTTPClient()
        for _ in 0..<20 { #expect(client.ask(server).body == "1") }
        client.close()
        #expect(client.ask(server).body == "2")
    }

    @Test("A connection that the server closed between requests is noticed, for any method")
    func closedBetween() throws {
        let server = try ScriptedServer { peer in
            _ = peer.request()
            peer.send(answer("\(peer.number)"))
        }
        let client = HTTPClient()
        for number in 1...5 {
            #expect(client.ask(server, "POST", body: [1]).body == "\(number)")
            usleep(50_000)  // For the end to arrive.
        }
    }

    /// Closes a connection on which it has answered once when the second request is there.
    private static func forgetful(_ peer: Peer) {
        _ = peer.request()
        peer.send(answer("\(peer.number)"))
        _ = peer.request()
    }

    @Test("What can be repeated is sent again where a kept connection was closed unanswered")
    func repeated() throws {
        let server = try ScriptedServer(nil, Self.forgetful)
        let client = HTTPClient()
        #expect(client.ask(server).body == "1")
        #expect(client.ask(server).body == "2")
        #expect(client.ask(server, "DELETE").body == "3")
        #expect(client.ask(server, "POST", body: [1], isRepeatable: true).body == "4")
    }

    @Test("What cannot be repeated is not sent again")
    func notRepeated() throws {
        let server = try ScriptedServer(nil, Self.forgetful)
        let client = HTTPClient()
        #expect(client.ask(server).body == "1")
        let outcome = client.ask(server, "POST", body: [1])
        #expect(outcome.code == "http_closed_early")
        #expect(outcome.mayHaveArrived == true)
        #expect(server.connections == 1)
        #expect(client.ask(server).body == "2")
        #expect(client.ask(server, "GET", isRepeatable: false).code == "http_closed_early")
        #expect(server.connections == 2)
    }

    @Test("A request is sent again once, and never over a fresh connection's end")
    func once() throws {
        let server = try ScriptedServer { peer in
            _ = peer.request()
            guard peer.number == 1 else { return }
            peer.send(answer("1"))
            _ = peer.request()
        }
        let client = HTTPClient()
        #expect(client.ask(server).body == "1")
        #expect(client.ask(server).code == "http_closed_early")
        #expect(server.connections == 2)
        #expect(client.ask(server).code == "http_closed_early")
        #expect(server.connections == 3)
    }

    @Test("Nothing is sent again once a byte of the answer has come")
    func begun() throws {
        let server = try ScriptedServer { peer in
            _ = peer.request()
            peer.send(answer("1"))
            _ = peer.request()
            peer.send("H")
        }
        let client = HTTPClient()
        #expect(client.ask(server).body == "1")
        #expect(client.ask(server).code == "http_closed_early")
        #expect(server.connections == 1)
    }

    @Test("Nothing is sent again because time was over")
    func late() throws {
        let server = try ScriptedServer { peer in
            _ = peer.request()
            peer.send(answer("1"))
            peer.untilEnd()
        }
        let client = HTTPClient()
        #expect(client.ask(server).body == "1")
        let outcome = client.ask(server, within: .milliseconds(200))
        #expect(outcome.code == "http_timed_out")
        #expect(server.connections == 1)
    }

    @Test(
        "A connection is not used again where the answer speaks against it",
        arguments: [
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
            // Two heads: the second is for nobody.
            answer("ok") + answer("for another"),
            "HTTP/1.1 204 \r\nContent-Length: 5\r\n\r\n",
        ])
    func notKept(_ text: String) throws {
        let server = try ScriptedServer { peer in
            while peer.request() != nil { peer.send(peer.number == 1 ? text : answer("own")) }
        }
        let client = HTTPClient()
        #expect(client.ask(server).body != nil)
        #expect(client.ask(server).body == "own")
        #expect(server.connections == 2)
    }

    @Test("What comes over a kept connection unasked is no answer to the next request")
    func unasked() throws {
        let server = try ScriptedServer { peer in
            _ = peer.request()
            peer.send(answer("\(peer.number)"))
            usleep(20_000)
            peer.send(answer("unasked"))
            peer.untilEnd()
        }
        let client = HTTPClient()
        #expect(client.ask(server).body == "1")
        usleep(200_000)
        #expect(client.ask(server).body == "2")
    }

    @Test("Eight origins' connections are kept, those used last")
    func bounded() throws {
        let servers = try (0..<9).map { _ in
            try ScriptedServer { peer in
                while peer.request() != nil { peer.send(answer("\(peer.number)")) }
            }
        }
        let client = HTTPClient()
        for server in servers { #expect(client.ask(server).body == "1") }
        #expect(client.ask(servers[8]).body == "1")
        #expect(client.ask(servers[1]).body == "1")
        #expect(client.ask(servers[0]).body == "2")
    }

    @Test("No signal is raised where the other side is gone")
    func signals() throws {
        // Blocked, it would be pending, even where the process ignores it.
        var (pipe, before, pending) = (sigset_t(), sigset_t(), sigset_t())
        unsafe sigemptyset(&pipe)
        unsafe sigaddset(&pipe, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &pipe, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        for identity in [nil, TestKeys.good] {
            let server = try ScriptedServer(identity) { peer in
                // A reset behind an end is what raises it.
                peer.cut()
                usleep(20_000)
                peer.reset()
            }
            let client = HTTPClient(trust: TLSTrust(pemFile: TestKeys.authority))
            let outcome = client.ask(
                server, "POST", scheme: identity == nil ? "http" : "https",
                body: [UInt8](repeating: 0, count: 32 << 20))
            #expect(outcome.mayHaveArrived == true)
        }
        unsafe sigpending(&pending)
        #expect(unsafe sigismember(&pending, SIGPIPE) == 0)
    }
}
