import Bytes
import HTTPMessages
import Locking
import ServerSupport
import Testing

@testable import HTTPClient

@Suite struct ExchangeTests {
    /// Sends back the very request.
    private static func echo(_ peer: Peer) {
        while let request = peer.request() { peer.send(answer(request)) }
    }

    @Test("A request is on the wire what it was made of")
    func wire() throws {
        let server = try ScriptedServer(nil, Self.echo)
        let client = HTTPClient()
        let headers = HeaderFields([("X-Amz-Target", "T.Get"), ("accept", "a, b")])
        let authority = "127.0.0.1:\(server.port)"
        #expect(
            client.ask(server, headers: headers).body
                == "GET /path?query HTTP/1.1\r\nHost: \(authority)\r\nX-Amz-Target: T.Get\r\n"
                + "accept: a, b\r\n\r\n")
        #expect(
            client.ask(server, "POST", body: Array("{}".utf8)).body
                == "POST /path?query HTTP/1.1\r\nHost: \(authority)\r\nContent-Length: 2\r\n\r\n{}")
        #expect(
            client.ask(server, "POST").body
                == "POST /path?query HTTP/1.1\r\nHost: \(authority)\r\nContent-Length: 0\r\n\r\n")
        #expect(client.ask(server, "DELETE").body?.contains("Content-Length") == false)
        #expect(server.connections == 1)
    }

    @Test("Bodies of some megabytes go both ways")
    func large() throws {
        let server = try ScriptedServer { peer in
            guard let request = peer.request() else { return }
            peer.send(answer(String(request.suffix(5_000_000))))
        }
        let body = (0..<5_000_000).map { UInt8($0 % 64 + 32) }
        let outcome = HTTPClient().ask(server, "POST", body: body, within: .seconds(120))
        guard case .answer(let answer) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(answer.body == body)
    }

    @Test("An answer to HEAD has no body, whatever length it names, and the next is its own")
    func head() throws {
        let server = try ScriptedServer { peer in
            while let request = peer.request() {
                peer.send(
                    request.hasPrefix("HEAD")
                        ? "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" : answer("next"))
            }
        }
        let client = HTTPClient()
        #expect(client.ask(server, "HEAD").body == "")
        #expect(client.ask(server).body == "next")
        #expect(server.connections == 1)
    }

    @Test("A server that closes in the middle has given no answer")
    func closedEarly() throws {
        for text in ["", "HTTP/1.1 200 OK\r\nContent-Le", answer("hello").dropLast().description] {
            let server = try ScriptedServer { peer in
                _ = peer.request()
                peer.send(text)
            }
            let outcome = HTTPClient().ask(server)
            #expect(outcome.code == "http_closed_early")
            #expect(outcome.mayHaveArrived == true)
            #expect(server.connections == 1)
        }
    }

    @Test("A reset in the middle is a lost connection")
    func reset() throws {
        let server = try ScriptedServer { peer in
            _ = peer.request()
            peer.send("HTTP/1.1 200 OK\r\nContent-Le")
            peer.reset()
        }
        let outcome = HTTPClient().ask(server)
        #expect(outcome.code == "http_connection_lost")
        #expect(outcome.mayHaveArrived == true)
    }

    @Test("A refusal that comes before the body was taken is the answer, unless it is overtaken")
    func earlyRefusal() throws {
        let server = try ScriptedServer { peer in
            peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        }
        let client = HTTPClient()
        let outcome = client.ask(
            server, "POST", body: [UInt8](repeating: 0, count: 8 << 20))
        // Closing with unread bytes sends a reset, which may overtake the answer.
        #expect(outcome.body == "big" || outcome.code == "http_connection_lost")
    }

    @Test("A wrong answer is refused by name, and its connection not used again")
    func refused() throws {
        let server = try ScriptedServer { peer in
            _ = peer.request()
            peer.send(
                peer.number == 1
                    ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n"
                    : answer("good"))
            peer.untilEnd()
        }
        let client = HTTPClient()
        #expect(client.ask(server).code == "http_answer_newline")
        #expect(client.ask(server).body == "good")
        #expect(server.connections == 2)
    }

    @Test("A request that would be read as another is not sent")
    func badRequests() throws {
        let server = try ScriptedServer(nil, Self.echo)
        let client = HTTPClient()
        func code(_ name: ByteText, _ value: ByteText) -> String? {
            client.ask(server, headers: HeaderFields([(name, value)])).code
        }
        #expect(code("X", "a\r\nY: b") == "http_request_field")
        #expect(code("X", "a\u{0}") == "http_request_field")
        #expect(code("X Y", "a") == "http_request_field")
        #expect(code("", "a") == "http_request_field")
        for name: ByteText in ["host", "content-length", "Transfer-Encoding", "CONNECTION"] {
            #expect(code(name, "1") == "http_request_own_field")
        }
        #expect(client.ask(server, "GET / HTTP/1.1\r\n").code == "http_request_method")
        #expect(client.ask(server, "CONNECT").code == "http_request_method")
        #expect(client.ask(server, "CONNECT").mayHaveArrived == false)
        #expect(server.connections == 0)
    }

    @Test("Errors show neither header, body nor path, of request or answer")
    func secrets() throws {
        let server = try ScriptedServer { peer in
            guard let request = peer.request() else { return }
            // Brings back what it was told where nothing may stand.
            peer.send("HTTP/1.1 200 OK\r\nEcho \(request.split(separator: "\r\n")[2])\r\n\r\n")
        }
        let client = HTTPClient()
        let headers = HeaderFields([("Authorization", "hidden")])
        var outcomes = [
            client.ask(server, "POST", headers: headers, body: Array("hidden".utf8)),
            client.ask(server, headers: HeaderFields([("X", "hidden\u{1}")])),
        ]
        for text: ByteText in [
            "http://127.0.0.1:1/hidden?hidden", "http://hidden@127.0.0.1/", "hidden",
            "http://127.0.0.1/hidden#x", "http://127.0.0.1/hidden x",
        ] {
            do throws(HTTPClientError) {
                _ = try client.request(
                    "GET", try HTTPURL(text), deadline: Deadline(after: .seconds(5)))
            } catch {
                outcomes.append(.fault(error))
            }
        }
        #expect(outcomes.count == 7)
        for case .fault(let fault) in outcomes {
            #expect(!"\(fault)".contains("hidden"), "\(fault)")
            #expect(!String(reflecting: fault).contains("hidden"))
        }
        #expect(outcomes.allSatisfy { $0.code != nil })
        let url = try HTTPURL("https://example.org/hidden")
        #expect("\(url)" == "https://example.org")
    }
}

@Suite struct HTTPURLTests {
    @Test(
        "A URL is origin and target",
        arguments: [
            ("http://localhost", "localhost", "/", 80),
            ("HTTPS://Example.ORG:443/a%2Fb?c=d", "example.org", "/a%2Fb?c=d", 443),
            ("https://example.org?x", "example.org", "/?x", 443),
            ("http://127.0.0.1:8000/", "127.0.0.1:8000", "/", 8000),
            ("http://[::1]:8000//x", "[::1]:8000", "//x", 8000),
        ])
    func reads(_ text: String, _ authority: ByteText, _ target: ByteText, _ port: UInt16) throws {
        let url = try HTTPURL(ByteText(text))
        #expect(url.authority == authority)
        #expect(url.target == target)
        #expect(url.origin.port == port)
    }

    @Test(
        "What is no URL to ask is refused by name",
        arguments: [
            ("example.org", URLFault.noOrigin), ("ftp://example.org/", .noOrigin), ("", .noOrigin),
            ("http:", .noOrigin), ("http://", .noOrigin), ("http:///x", .noOrigin),
            ("http://user:word@example.org/", .noOrigin), ("http://example.org:0/", .noOrigin),
            ("http://example.org:99999/", .noOrigin), ("http://1.2.3/", .noOrigin),
            ("http://example.org/a b", .unencoded), ("http://example.org/é", .unencoded),
            ("http://example.org/\r\nX: y", .unencoded), ("http://example.org/#x", .fragment),
        ])
    func refuses(_ text: String, _ fault: URLFault) {
        #expect(throws: HTTPClientError.invalidURL(fault)) { try HTTPURL(ByteText(text)) }
    }

    @Test("A URL has a length that servers take")
    func long() {
        let text = "http://example.org/" + String(repeating: "x", count: 8192)
        #expect(throws: HTTPClientError.invalidURL(.tooLong)) { try HTTPURL(ByteText(text)) }
    }
}
