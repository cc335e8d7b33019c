import Bytes
import HTTPMessages
import HTTPServing
import Testing

/// What a server puts up with, and what it says when it does not.
@Suite struct LimitTests {
    private let host = "Host: x\r\n"

    @Test("A body over the limit is read on and answered with 413, and the connection lives on")
    func bodyOverLimit() throws {
        let client = try RawClient(try serve(with: { $0.bodyBytesMax = 1000 }))
        let body = String(repeating: "b", count: 1001)
        client.send("POST / HTTP/1.1\r\n\(host)Content-Length: 1001\r\n\r\n\(body)")
        let answer = try client.answer()
        #expect(answer.status == 413)
        #expect(answer.text.contains("request_too_large") && answer.text.contains("1000 bytes"))
        #expect(answer.headers["X-Content-Type-Options"] == "nosniff")
        client.send("GET /next HTTP/1.1\r\n\(host)\r\n")
        #expect(try client.answer().text.hasPrefix("GET /next"))
    }

    @Test("A body of exactly the limit passes", arguments: [0, 1, 999, 1000])
    func bodyWithinLimit(count: Int) throws {
        let body = String(repeating: "b", count: count)
        let answer = try ask(
            try serve(with: { $0.bodyBytesMax = 1000 }),
            "POST / HTTP/1.1\r\n\(host)Content-Length: \(count)\r\n\r\n\(body)")
        #expect(answer.text.hasSuffix("body \(count) \(body)"))
    }

    @Test("A chunked body over the limit is 413 too")
    func chunkedOverLimit() throws {
        let client = try RawClient(try serve(with: { $0.bodyBytesMax = 1000 }))
        client.send("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<20 { client.send("64\r\n\(String(repeating: "c", count: 100))\r\n") }
        client.send("0\r\n\r\n")
        #expect(try client.answer().status == 413)
    }

    @Test("A client that waits for 100 Continue hears 413 before it sends a body over the limit")
    func expectContinue() throws {
        let server = try serve(with: { $0.bodyBytesMax = 1000 })
        let client = try RawClient(server)
        client.send(
            "POST / HTTP/1.1\r\n\(host)Expect: 100-continue\r\nContent-Length: 2000\r\n\r\n")
        #expect(try client.answer().status == 413)
        let second = try RawClient(server)
        second.send("POST / HTTP/1.1\r\n\(host)Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        #expect(try second.answer().status == 100)
        second.send("abc")
        #expect(try second.answer().text.hasSuffix("body 3 abc"))
    }

    @Test("A body that is declared far too long is refused at once")
    func hugeBody() throws {
        let client = try RawClient(try serve())
        client.send("POST / HTTP/1.1\r\n\(host)Content-Length: 99999999999\r\n\r\nabc")
        let answer = try client.answer()
        #expect(answer.status == 413)
        #expect(answer.headers["Connection"] == "close")
    }

    @Test("An endless chunked body is cut off")
    func endlessBody() throws {
        let client = try RawClient(try serve(with: { $0.bodyBytesMax = 1000 }))
        client.send("POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n")
        let chunk = "10000\r\n\(String(repeating: "c", count: 65_536))\r\n"
        for _ in 0..<64 { client.send(chunk) }
        #expect(client.isClosedByServer())
    }

    @Test("A header over the limit is 431, a target over it 414, and both hear why")
    func headerOverLimit() throws {
        let server = try serve(with: { $0.headerBytesMax = 8192 })
        let long = String(repeating: "a", count: 9000)
        let header = try ask(server, "GET / HTTP/1.1\r\n\(host)X: \(long)\r\n\r\n")
        #expect(header.status == 431)
        #expect(header.text.contains("the request's header is over 8192 bytes"))
        #expect(header.headers["Connection"] == "close")
        let target = try ask(server, "GET /\(long) HTTP/1.1\r\n\(host)\r\n")
        #expect(target.status == 414)
        #expect(target.text.contains("the request target is over 8192 bytes"))
        let fields = String(repeating: "A:\r\n", count: 65)
        let many = try ask(server, "GET / HTTP/1.1\r\n\(host)\(fields)\r\n")
        #expect(many.status == 431)
        #expect(many.text.contains("more than 64 header fields"))
    }

    @Test("A header of the longest length is read, and an answer of nearly that length sent")
    func longestHeader() throws {
        for bytesMax in [4096, 16_384, 65_536] {
            let server = try serve(with: { $0.headerBytesMax = bytesMax }) { request in
                let echoed: ByteText = request.headers["X"] ?? ""
                var response = HTTPResponse(status: 200)
                response.headers.add("X", echoed)
                return .response(response)
            }
            let head = "GET / HTTP/1.1\r\n\(host)X: "
            let value = String(repeating: "x", count: bytesMax - head.utf8.count - 4)
            let answer = try ask(server, head + value + "\r\n\r\n")
            #expect(answer.status == 431)
            #expect(answer.text.contains("the header of the answer"))
            let shorter = String(value.dropLast(512))
            #expect(try ask(server, "\(head)\(shorter)\r\n\r\n").headers["X"]?.string == shorter)
        }
    }

    @Test("Cookies and queries of many parts take no more room than their text")
    func manyParts() throws {
        let server = try serve()
        let cookies = (0..<1500).map { "c\($0)=v" }.joined(separator: "; ")
        let answer = try ask(
            server, "GET / HTTP/1.1\r\n\(host)Cookie: \(cookies)\r\n\r\n")
        #expect(answer.text.contains("Cookie: \(cookies)\n"))
        let query = (0..<1500).map { "c\($0)=v" }.joined(separator: "&")
        let client = try RawClient(server)
        for _ in 0..<2 {
            client.send("GET /?\(query) HTTP/1.1\r\n\(host)\r\n")
            #expect(try client.answer().text.hasPrefix("GET / \(query)\nHost: x\n"))
        }
    }

    @Test("The default takes a cookie of the longest token")
    func longestCookie() throws {
        let cookie = String(repeating: "a", count: 3584)
        let answer = try ask(
            try serve(), "GET / HTTP/1.1\r\n\(host)Cookie: __Host-usher_session=\(cookie)\r\n\r\n")
        #expect(answer.status == 200)
    }

    @Test("A sender that stops midway is dropped once the idle time is over")
    func slowSender() throws {
        let server = try serve(with: { $0.keepaliveSeconds = 1 })
        let client = try RawClient(server)
        client.send("POST / HTTP/1.1\r\n\(host)Content-Length: 10\r\n\r\nabc")
        #expect(client.isClosedByServer())
        let silent = try RawClient(server)
        #expect(silent.isClosedByServer())
    }
}
