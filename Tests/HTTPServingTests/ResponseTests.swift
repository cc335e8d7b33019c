import Bytes
import HTTPMessages
import HTTPServing
import Testing

/// What goes out.
@Suite struct ResponseTests {
    private let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    private func answer(_ response: HTTPResponse) throws -> RawClient.Answer {
        try ask(try serve { _ in .response(response) }, request)
    }

    @Test("Every response bears nosniff and Date; status, fields and body are the handler's")
    func standardFields() throws {
        let made = HTTPResponse(
            status: 202, headers: HeaderFields([("X-A", "1"), ("X-A", "2"), ("x-b", "é")]),
            body: [0, 1, 255])
        let answer = try answer(made)
        #expect(answer.status == 202)
        #expect(answer.headers.values("X-A") == ["1", "2"])
        #expect(answer.headers["X-B"] == "é")
        #expect(answer.headers.values("X-Content-Type-Options") == ["nosniff"])
        #expect(answer.headers["Date"]?.string.hasSuffix("GMT") == true)
        #expect(answer.body == [0, 1, 255])
    }

    @Test("Fields that the server writes itself are not written twice")
    func ownFields() throws {
        let answer = try answer(
            .text(
                200, "hello",
                headers: [
                    ("Content-Length", "99"), ("Transfer-Encoding", "chunked"), ("Date", "now"),
                    ("x-content-type-options", "nosniff"),
                ]))
        #expect(answer.headers.values("Content-Length") == ["5"])
        #expect(answer.headers.values("Transfer-Encoding") == [])
        #expect(answer.headers.values("Date") != ["now"])
        #expect(answer.headers.values("Date").count == 1)
        #expect(answer.headers.values("X-Content-Type-Options") == ["nosniff"])
    }

    @Test(
        "A response that would break out of its header, or has no valid status, is a plain 500",
        arguments: [
            HTTPResponse(status: 200, headers: HeaderFields([("X", "a\r\nSet-Cookie: b=c")])),
            HTTPResponse(status: 200, headers: HeaderFields([("X\n", "a")])),
            HTTPResponse(status: 200, headers: HeaderFields([("X", "a\0b")])),
            HTTPResponse(status: 99), HTTPResponse(status: 101), HTTPResponse(status: 600),
        ])
    func unsendable(response: HTTPResponse) throws {
        let answer = try answer(response)
        #expect(answer.status == 500)
        #expect(answer.headers["Set-Cookie"] == nil)
        #expect(answer.text.contains("server_error"))
    }

    @Test("HEAD gets the header of GET, with its length and without the body")
    func head() throws {
        let server = try serve { _ in .response(.text(200, "hello")) }
        let client = try RawClient(server)
        client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        let answer = try client.answer(toHead: true)
        #expect(answer.status == 200)
        #expect(answer.headers["Content-Length"] == "5")
        client.send(request)  // The next answer starts where a body would have stood.
        #expect(try client.answer().text == "hello")
    }

    @Test("A response without a body has length 0; 204 has none", arguments: [200, 204, 404])
    func emptyBody(status: Int) throws {
        let server = try serve { _ in .response(HTTPResponse(status: status)) }
        let client = try RawClient(server)
        for _ in 0..<2 {
            client.send(request)
            let answer = try client.answer()
            #expect(answer.status == status && answer.body.isEmpty)
        }
    }

    @Test("A body much longer than the connection's memory arrives whole")
    func longBody() throws {
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(try answer(HTTPResponse(status: 200, body: body)).body == body)
    }
}
