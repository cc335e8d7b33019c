import Bytes
import HTTPMessages
import StrictJSON
import Testing

@Suite struct EdgeEndpointTests {
    private let path = "/edge/viewer-request"
    private let json = [("Content-Type", "application/json")]

    private func event(cookie: String) -> String {
        #"{"Records":[{"cf":{"config":{"distributionDomainName":"d","distributionId":"i","#
            + #""eventType":"viewer-request","requestId":"r"},"request":{"clientIp":"192.0.2.1","#
            + #""method":"GET","uri":"/","querystring":"","headers":{"host":[{"key":"Host","#
            + #""value":"a.example"}],"cookie":[{"key":"Cookie","value":""# + cookie
            + #""}]}}}}]}"#
    }

    @Test("An event comes back as its request, the cookie turned into Authorization")
    func rewrite() throws {
        let response = try #require(
            AuthBench().send(
                "POST", path, headers: json, body: event(cookie: "__Host-usher_session=a.b.c")))
        #expect(response.status == 200)
        #expect(response.headers["Content-Type"] == "application/json")
        #expect(response.headers["Cache-Control"] == "no-store")
        let headers = try #require(response.json?["headers"]?.object)
        #expect(
            headers["authorization"]?.array?.first?.object?["value"]?.string == "Bearer a.b.c")
        #expect(headers["cookie"] == nil)
    }

    @Test(
        "What is no event is refused by the member at fault",
        arguments: [
            ("", "JSON"), ("[1]", ""), ("{}", "Records"), (#"{"Records":[]}"#, "Records"),
            (#"{"a":1,"a":2}"#, "JSON"),
        ])
    func malformed(body: String, name: String) throws {
        let response = try #require(AuthBench().send("POST", path, headers: json, body: body))
        expectRefusal(response, 400, "invalid_request", naming: name)
    }

    @Test("Another method or content type is refused")
    func wrong() throws {
        let bench = AuthBench()
        let get = try #require(bench.send("GET", path))
        expectRefusal(get, 405, "invalid_request")
        #expect(get.headers["Allow"] == "POST")
        expectRefusal(
            try #require(bench.send("POST", path, body: "{}")), 400, "invalid_request",
            naming: "Content-Type")
    }

    @Test("An event of over 256 KiB is refused")
    func large() throws {
        let body = String(repeating: " ", count: 256 * 1024 + 1)
        let response = try #require(AuthBench().send("POST", path, headers: json, body: body))
        expectRefusal(response, 413, "invalid_request", naming: "262144")
    }
}
