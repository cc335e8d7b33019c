import Bytes
import Edge
import StrictJSON
import Testing

/// The Lambda@Edge form of the step, by the facts of CloudFront's viewer-request events.
@Suite struct ViewerRequestTests {
    private let step = EdgeStep(cookieName: "s")

    /// An event; `change` has its `request` object to alter.
    private func event(
        headers: JSONObject = ["host": [["key": "Host", "value": "d.example"]]],
        _ change: (inout JSONObject) -> Void = { _ in }
    ) -> JSONValue {
        var request: JSONObject = [
            "clientIp": "203.0.113.178", "method": "GET", "uri": "/a", "querystring": "x=1",
            "headers": .object(headers),
        ]
        change(&request)
        return [
            "Records": [
                [
                    "cf": [
                        "config": [
                            "distributionDomainName": "d111.cloudfront.net",
                            "distributionId": "EDFDVBD6EXAMPLE", "eventType": "viewer-request",
                            "requestId":
                                "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==",
                        ],
                        "request": .object(request),
                    ]
                ]
            ]
        ]
    }

    private func rewrite(_ event: JSONValue) throws -> JSONValue {
        try JSONValue.parse(ViewerRequest.rewrite(event: event.serialized(), step: step))
    }

    private func entry(_ key: String, _ value: String) -> JSONValue {
        ["key": .string(key), "value": .string(value)]
    }

    @Test("The cookie becomes Authorization; every other member stays as it was")
    func rewritten() throws {
        let headers: JSONObject = [
            "host": [entry("Host", "d.example")],
            "cookie": [entry("Cookie", "a=1; s=tok.en"), entry("cookie", "b=2")],
            "user-agent": [["value": "x"]],
            "authorization": [entry("Authorization", "Basic Zm9v")],
        ]
        let body: JSONValue = [
            "inputTruncated": false, "action": "read-only", "encoding": "base64", "data": "YQ==",
        ]
        let result = try rewrite(
            event(headers: headers) {
                $0["body"] = body; $0["later"] = 1
            })
        let request = try #require(result.object)
        #expect(
            request.members.map(\.name) == [
                "clientIp", "method", "uri", "querystring", "headers", "body", "later",
            ])
        #expect(request["body"] == body && request["clientIp"] == "203.0.113.178")
        let expected: JSONObject = [
            "host": [entry("Host", "d.example")],
            "cookie": [entry("Cookie", "a=1"), entry("Cookie", "b=2")],
            "user-agent": [["value": "x"]],
            "authorization": [entry("Authorization", "Bearer tok.en")],
        ]
        #expect(request["headers"] == .object(expected))
    }

    @Test("Among hundreds of fields only those change that the step changes")
    func manyFields() throws {
        var headers: JSONObject = ["cookie": [entry("Cookie", "s=t; a=1"), entry("cookie", "b=2")]]
        for index in 0..<500 { headers["x-\(index)"] = [["value": .string("\(index)")]] }
        headers["authorization_"] = [entry("Authorization_", "Bearer forged")]
        let result = try #require(rewrite(event(headers: headers)).object?["headers"]?.object)
        #expect(result.members.count == 502)
        #expect(result["cookie"] == [entry("Cookie", "a=1"), entry("Cookie", "b=2")])
        #expect(result["authorization"] == [entry("Authorization", "Bearer t")])
        for index in 0..<500 { #expect(result["x-\(index)"] == headers["x-\(index)"]) }
    }

    @Test("A cookie header that held nothing else goes")
    func lastCookieGoes() throws {
        let result = try rewrite(event(headers: ["cookie": [entry("Cookie", "s=t")]]))
        #expect(
            result.object?["headers"] == ["authorization": [entry("Authorization", "Bearer t")]])
    }

    @Test("Without the cookie the request comes back as it came")
    func unchanged() throws {
        let headers: JSONObject = [
            "authorization": [entry("authorization", "Bearer x")], "cookie": [["value": "a = 1 ;"]],
        ]
        let result = try rewrite(event(headers: headers))
        #expect(result.object?["headers"] == .object(headers))
        #expect(try rewrite(event(headers: [:])).object?["headers"] == [:])
    }

    @Test(
        "Header fields that CloudFront withholds are neither read nor returned",
        arguments: [
            "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization",
            "proxy-connection", "trailer", "upgrade", "x-accel-buffering", "x-amz-cf-id",
            "x-amzn-requestid", "x-cache", "x-edge-location", "x-forwarded-proto", "x-real-ip",
        ])
    func withheld(name: String) throws {
        let result = try rewrite(
            event(headers: [ByteText(name): [["value": "v"]], "x-amz-date": [["value": "kept"]]]))
        #expect(result.object?["headers"] == ["x-amz-date": [["value": "kept"]]])
    }

    @Test("Read-only fields pass untouched, and a WebSocket handshake is an ordinary GET")
    func readOnly() throws {
        let headers: JSONObject = [
            "content-length": [entry("Content-Length", "0")], "host": [entry("HOST", "h")],
            "transfer-encoding": [entry("Transfer-Encoding", "chunked")],
            "via": [entry("Via", "1"), entry("via", "2")],
            "sec-websocket-key": [entry("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")],
        ]
        #expect(try rewrite(event(headers: headers)).object?["headers"] == .object(headers))
    }

    @Test(
        "What the step refuses is answered with a response object",
        arguments: [
            "s=a; s=b", "s=", "s=a b", "s=\(String(repeating: "a", count: 3585))",
        ])
    func refusals(cookie: String) throws {
        let result = try rewrite(event(headers: ["cookie": [entry("Cookie", cookie)]]))
        let response = try #require(result.object)
        #expect(response["status"] == "400" && response["statusDescription"] == "Bad Request")
        let type = response["headers"]?.object?["content-type"]
        #expect(type == [entry("Content-Type", "application/json")])
        let body = try JSONValue.parse(Array(#require(response["body"]?.string?.string).utf8))
        #expect(body.object?["error"] == "invalid_request")
        #expect(body.object?["error_description"]?.string?.string.contains(" s ") == true)
    }

    @Test("Two Cookie entries with ours in each are refused")
    func twoEntries() throws {
        let result = try rewrite(
            event(headers: ["cookie": [entry("Cookie", "s=a"), entry("Cookie", "s=a")]]))
        #expect(result.object?["status"] == "400")
    }

    @Test(
        "A malformed member is named",
        arguments: [
            ("clientIp", #"null"#, "clientIp"),
            ("clientIp", #""here""#, "clientIp"),
            ("method", #"1"#, "method"),
            ("method", #""G T""#, "method"),
            ("uri", #""a""#, "uri"),
            ("uri", #""/a?b""#, "uri"),
            ("uri", #""/a b""#, "uri"),
            ("querystring", #""?a""#, "querystring"),
            ("querystring", #"null"#, "querystring"),
            ("headers", #"[]"#, "headers"),
            ("headers", #"{"Host":[{"value":"x"}]}"#, "headers.Host"),
            ("headers", #"{"a b":[{"value":"x"}]}"#, "headers.ab"),
            ("headers", #"{"a":"x"}"#, "headers.a"),
            ("headers", #"{"a":[]}"#, "headers.a"),
            ("headers", #"{"a":["x"]}"#, "headers.a[0]"),
            ("headers", #"{"a":[{"value":"x"},{"key":"a"}]}"#, "headers.a[1].value"),
            ("headers", #"{"a":[{"value":1}]}"#, "headers.a[0].value"),
            ("headers", #"{"a":[{"value":"x\r\ny"}]}"#, "headers.a[0].value"),
            ("headers", #"{"a":[{"key":"b","value":"x"}]}"#, "headers.a[0].key"),
            ("headers", #"{"a":[{"key":1,"value":"x"}]}"#, "headers.a[0].key"),
            ("headers", #"{"host":[{"value":"x"},{"value":"y"}]}"#, "headers.host"),
            ("body", #""x""#, "body"),
            ("body", #"{"inputTruncated":0}"#, "body.inputTruncated"),
            ("body", #"{"inputTruncated":true,"action":"x"}"#, "body.action"),
            (
                "body",
                #"{"inputTruncated":true,"action":"replace","encoding":"hex"}"#,
                "body.encoding"
            ),
            (
                "body",
                #"{"inputTruncated":true,"action":"replace","encoding":"base64","data":"!"}"#,
                "body.data"
            ),
            (
                "body",
                #"{"inputTruncated":true,"action":"replace","encoding":"text"}"#,
                "body.data"
            ),
        ])
    func malformedRequest(name: String, json: String, path: String) throws {
        let value = try JSONValue.parse(Array(json.utf8))
        let error = #expect(throws: ViewerRequestError.self) {
            try rewrite(event { $0[ByteText(name)] = value })
        }
        guard case .invalidMember(let named, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(named == "Records[0].cf.request.\(path)")
    }

    @Test(
        "A missing member of the request is named",
        arguments: ["clientIp", "method", "uri", "querystring", "headers"])
    func missing(name: String) {
        let error = #expect(throws: ViewerRequestError.self) {
            try rewrite(event { $0[ByteText(name)] = nil })
        }
        #expect(error?.description.contains("Records[0].cf.request.\(name) ") == true)
    }

    @Test(
        "A frame that is none is named from the outside in",
        arguments: [
            ("[]", "the top level"), ("{}", "Records"), (#"{"Records":{}}"#, "Records"),
            (#"{"Records":[]}"#, "Records"), (#"{"Records":[{},{}]}"#, "Records"),
            (#"{"Records":[1]}"#, "Records[0]"), (#"{"Records":[{}]}"#, "Records[0].cf"),
            (#"{"Records":[{"cf":{}}]}"#, "Records[0].cf.config"),
            (#"{"Records":[{"cf":{"config":{}}}]}"#, "Records[0].cf.config.eventType"),
            (
                #"{"Records":[{"cf":{"config":{"eventType":"origin-request"}}}]}"#,
                "Records[0].cf.config.eventType"
            ),
            (
                #"{"Records":[{"cf":{"config":{"eventType":"viewer-request","requestId":1}}}]}"#,
                "Records[0].cf.config.requestId"
            ),
            (
                #"{"Records":[{"cf":{"config":{"eventType":"viewer-request"}}}]}"#,
                "Records[0].cf.request"
            ),
        ])
    func malformedFrame(text: String, path: String) {
        let error = #expect(throws: ViewerRequestError.self) {
            try ViewerRequest.rewrite(event: Array(text.utf8), step: step)
        }
        guard case .invalidMember(let named, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(named == path)
    }

    @Test(
        "What is not JSON, or names a member twice, is refused",
        arguments: ["", "{", #"{"a":1,"a":2}"#])
    func notJSON(text: String) {
        let error = #expect(throws: ViewerRequestError.self) {
            try ViewerRequest.rewrite(event: Array(text.utf8), step: step)
        }
        let isOfJSON = if case .invalidJSON = error { true } else { false }
        #expect(isOfJSON)
    }

    @Test("CloudFront's limits hold: target under 8,192, request 20,480, body 40 KiB")
    func limits() throws {
        func long(_ count: Int) -> JSONValue { .string(String(repeating: "a", count: count)) }
        func body(_ count: Int) -> JSONValue {
            [
                "inputTruncated": false, "action": "read-only", "encoding": "text",
                "data": long(count),
            ]
        }
        #expect(throws: Never.self) { try rewrite(event { $0["querystring"] = long(8189) }) }
        #expect(throws: ViewerRequestError.self) {
            try rewrite(event { $0["querystring"] = long(8190) })
        }
        #expect(throws: Never.self) { try rewrite(event { $0["body"] = body(40_960) }) }
        #expect(throws: ViewerRequestError.self) {
            try rewrite(event { $0["body"] = body(40_961) })
        }
        let error = #expect(throws: ViewerRequestError.self) {
            try rewrite(event(headers: ["x": [["value": long(20_480)]]]))
        }
        #expect(error == .tooLarge(path: "Records[0].cf.request", bytesMax: 20_480))
    }
}
