import Bytes
import HTTPMessages
import HTTPServing
import Testing

/// How requests arrive at the handler.
@Suite struct RequestReadingTests {
    private let host = "Host: x\r\n"

    @Test("Path and query arrive raw: neither decoded nor unescaped")
    func targetIsRaw() throws {
        let server = try serve()
        let answer = try ask(server, "GET /a%2Fb/../c+d?q=%41+b&r=%00&s?=/ HTTP/1.1\r\n\(host)\r\n")
        #expect(answer.status == 200)
        #expect(answer.text.hasPrefix("GET /a%2Fb/../c+d q=%41+b&r=%00&s?=/\n"))
    }

    @Test(
        "A target is split at its first ?; the absolute form loses its authority",
        arguments: [
            ("/", "/ -"), ("/?", "/ "), ("/a?b?c", "/a b?c"), ("//a//b", "//a//b -"),
            ("http://h/p?q", "/p q"), ("HTTPS://h:1", "/ -"), ("http://h?x=1", "/ x=1"),
        ])
    func targets(target: String, expected: String) throws {
        let answer = try ask(try serve(), "GET \(target) HTTP/1.1\r\n\(host)\r\n")
        #expect(answer.text.hasPrefix("GET \(expected)\n"))
    }

    @Test("The absolute form's authority stands for the Host field (RFC 9112 §3.2.2)")
    func absoluteFormReplacesHost() throws {
        let answer = try ask(try serve(), "GET http://real:81/ HTTP/1.1\r\nHost: other\r\n\r\n")
        #expect(answer.text.contains("Host: real:81"))
        #expect(!answer.text.contains("other"))
    }

    @Test("Repeated header fields stay apart, in order, with their case")
    func repeatedFields() throws {
        let fields =
            "Cookie: a=1; b=\"x; y\"\r\nX-One: 1\r\ncookie: c=2\r\nX-Empty:\r\nX-Two:  t \r\n"
        let answer = try ask(try serve(), "GET / HTTP/1.1\r\n\(host)\(fields)\r\n")
        let expected = """
            Host: x
            Cookie: a=1; b="x; y"
            X-One: 1
            cookie: c=2
            X-Empty:\u{20}
            X-Two: t
            """
        #expect(answer.text.contains(expected))
    }

    @Test("UTF-8 passes in field values; other bytes are read as U+FFFD (RFC 9110 §5.5)")
    func fieldValuesAreOpaque() throws {
        let server = try serve()
        let answer = try ask(server, "GET / HTTP/1.1\r\n\(host)X-Name: Zoë\r\n\r\n")
        #expect(answer.status == 200)
        #expect(answer.text.contains("X-Name: Zoë"))
        let latin =
            Array("GET / HTTP/1.1\r\n\(host)X-Name: Zo".utf8) + [0xEB, 0x0D, 0x0A, 0x0D, 0x0A]
        #expect(try ask(server, latin).text.contains("X-Name: Zo\u{FFFD}"))
    }

    @Test(
        "A malformed request is answered with 400 and the connection ends (RFC 9112 §2.2, §3, §5)",
        arguments: [
            "GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n", "GE\0T /a HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nX-A: b\0\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nX-A: \0b\r\nX-B: c\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nX-\0A: b\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nX-A : b\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nX\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nXA: a\r\n  b\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nAuthorizatio: a\r\n n\r\nX: y\r\n\r\n",
            "GET /a HTTP/1.1\r\n X: a\r\nHost: x\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nX: a\u{1}b\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nX: a\rY: b\r\n\r\n",
            "GET /a HTTP/1.1\nHost: x\n\n", "GET /a HTTP/1.1\r\nHost: x\r\nX: y\n\r\n",
            "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "GET  /a HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET a HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET http://u:p@h/ HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n",
            "G{}T /a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a HTTP/1.1\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n", "GET /a\r\n\r\n",
        ])
    func malformed(request: String) throws {
        let server = try serve()
        let client = try RawClient(server)
        client.send(request)
        let answer = try client.answer()
        #expect(answer.status == 400)
        #expect(answer.headers["Connection"] == "close")
        #expect(!answer.text.contains("GET"))
        #expect(try ask(server, "GET / HTTP/1.1\r\n\(host)\r\n").status == 200)
    }

    @Test("What is not ASCII is 400 in the target, the method and a field's name (RFC 9112 §3)")
    func notASCII() throws {
        let server = try serve()
        let bad = [
            "GET /é HTTP/1.1\r\n\(host)\r\n", "GET /a?é HTTP/1.1\r\n\(host)\r\n",
            "GÉT / HTTP/1.1\r\n\(host)\r\n", "GET / HTTP/1.1\r\n\(host)X-É: a\r\n\r\n",
            "GET http://é/ HTTP/1.1\r\n\(host)\r\n",
        ]
        for request in bad { #expect(try ask(server, request).status == 400, "\(request)") }
        let inTarget = Array("GET /".utf8) + [0xC3, 0x28] + Array(" HTTP/1.1\r\n\(host)\r\n".utf8)
        let answer = try ask(server, inTarget)
        #expect(answer.status == 400)
        #expect(answer.headers["Content-Type"] == "application/json")
        #expect(answer.text.contains("\"error\":\"invalid_request\""))
    }

    @Test(
        "A body whose length two readers could read differently is refused (RFC 9112 §6.3)",
        arguments: [
            "Content-Length: 3\r\nContent-Length: 3\r\n",
            "Content-Length: 3\r\nContent-Length: 4\r\n",
            "Content-Length: 3, 3\r\n", "Content-Length: +3\r\n", "Content-Length: -3\r\n",
            "Content-Length: 3 \r\nTransfer-Encoding: chunked\r\n", "Content-Length: 0x3\r\n",
            "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked, gzip\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: xchunked\r\n", "Content-Length:\r\n",
        ])
    func conflictingLengths(fields: String) throws {
        let server = try serve()
        let client = try RawClient(server)
        client.send("POST /a HTTP/1.1\r\n\(host)\(fields)\r\nabc")
        #expect(try client.answer().status == 400)
    }

    @Test("A chunked body arrives whole")
    func chunkedBody() throws {
        let server = try serve()
        let client = try RawClient(server)
        let chunked = "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
        client.send("POST /a HTTP/1.1\r\n\(host)\(chunked)")
        #expect(try client.answer().text.hasSuffix("body 5 abcde"))
    }

    @Test("Pipelined requests are answered in order")
    func pipelining() throws {
        let client = try RawClient(try serve())
        client.send((0..<20).map { "GET /\($0) HTTP/1.1\r\n\(host)\r\n" }.joined())
        for index in 0..<20 {
            #expect(try client.answer().text.hasPrefix("GET /\(index) -"))
        }
    }

    @Test("A request sent a byte at a time is the same request, however long its header is")
    func byteByByte() throws {
        let client = try RawClient(try serve())
        let long = (0..<9).map { "X-\($0): \(String(repeating: "v", count: 900))\r\n" }.joined()
        let request = "POST /a?b=c&d=e HTTP/1.1\r\n\(host)\(long)Content-Length: 5\r\n\r\nhello"
        for byte in request.utf8 { client.send([byte]) }
        let answer = try client.answer()
        #expect(answer.text.hasPrefix("POST /a b=c&d=e\n"))
        #expect(answer.text.hasSuffix("body 5 hello"))
    }

    @Test("HTTP/1.0 needs no Host, ends the connection, and cannot ask for an upgrade")
    func http10() throws {
        let client = try RawClient(try serve())
        client.send("GET /a HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.status == 200)
        #expect(!answer.text.contains("Upgrade: websocket"))
        #expect(client.isClosedByServer())
    }

    @Test("The peer's address is told, and that of the client behind a trusted proxy")
    func addresses() throws {
        let tell: @Sendable (HTTPRequest) -> HTTPOutcome = {
            .response(.text(200, "\($0.peerAddress) \($0.clientAddress) \($0.isSecure)"))
        }
        let fields = "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n"
        let request = "GET / HTTP/1.1\r\n\(host)\(fields)\r\n"
        #expect(try ask(try serve(tell), request).text == "127.0.0.1 127.0.0.1 false")
        let trusting = try serve(
            with: { $0.trustedProxies = [CIDR("127.0.0.0/8")!] }, handler: tell)
        #expect(try ask(trusting, request).text == "127.0.0.1 203.0.113.7 true")
    }
}
