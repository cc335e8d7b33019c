import Bytes
import HTTPMessages
import StrictJSON
import Testing

@testable import ServerlessRelay

@Suite("What the function is invoked with") struct FunctionEventTests {
    private func read(_ text: String) throws -> FunctionEvent {
        try FunctionEvent(Array(text.utf8))
    }

    private func context(_ type: String, _ more: String = "") -> String {
        #""requestContext":{"routeKey":"x","eventType":"\#(type)","#
            + #""connectionId":"L0SM9cOFvHcCIhw=","#
            + #""identity":{"sourceIp":"192.0.2.7","userAgent":"x"}\#(more)}"#
    }

    @Test("A connection's fields and parameters are all of them, in their order")
    func connect() throws {
        let event = try read(
            #"{"headers":{"Host":"x","A":"2"},"multiValueHeaders":{"Host":["x"],"A":["1","2"]},"#
                + #""queryStringParameters":{"token":"a.b+c"},"#
                + #""multiValueQueryStringParameters":{"token":["a.b+c","d"],"empty":[""]},"#
                + context("CONNECT") + #","isBase64Encoded":false}"#)
        guard case .connect(let gateway, let request, let parameters) = event else {
            Issue.record("no connection")
            return
        }
        #expect(gateway == "L0SM9cOFvHcCIhw=")
        #expect(request.headers == HeaderFields([("Host", "x"), ("A", "1"), ("A", "2")]))
        #expect(request.clientAddress == "192.0.2.7" && request.isSecure)
        #expect(
            parameters == [
                .init(name: "token", value: "a.b+c"), .init(name: "token", value: "d"),
                .init(name: "empty", value: ""),
            ])
    }

    @Test("Where single values alone are told, they count")
    func single() throws {
        let event = try read(
            #"{"headers":{"authorization":"Bearer t"},"queryStringParameters":{"client":"a"},"#
                + context("CONNECT") + "}")
        guard case .connect(_, let request, let parameters) = event else {
            Issue.record("no connection")
            return
        }
        #expect(request.headers["Authorization"] == "Bearer t")
        #expect(parameters == [.init(name: "client", value: "a")])
        let bare = try read("{" + context("CONNECT") + "}")
        guard case .connect(_, let empty, []) = bare else {
            Issue.record("no connection")
            return
        }
        #expect(empty.headers == HeaderFields())
    }

    @Test("A message is text, or binary where the gateway hands it on in base64")
    func message() throws {
        let text = try read("{" + context("MESSAGE") + #","body":"{\"a\":\"\u00e9\"}"}"#)
        #expect(
            text
                == .message(gateway: "L0SM9cOFvHcCIhw=", .text(Array("{\"a\":\"\u{E9}\"}".utf8))))
        let binary = try read(
            "{" + context("MESSAGE") + #","body":"AAE=","isBase64Encoded":true}"#)
        #expect(binary == .message(gateway: "L0SM9cOFvHcCIhw=", .binary))
        #expect(throws: FunctionEvent.Fault.self) {
            try read("{" + context("MESSAGE") + #","body":"A","isBase64Encoded":true}"#)
        }
    }

    @Test("The end of a connection has a code, or none")
    func disconnect() throws {
        let id: ByteText = "L0SM9cOFvHcCIhw="
        let with = try read("{" + context("DISCONNECT", #","disconnectStatusCode":1006"#) + "}")
        #expect(with == .disconnect(gateway: id, code: 1006))
        let without = try read("{" + context("DISCONNECT", #","disconnectStatusCode":null"#) + "}")
        #expect(without == .disconnect(gateway: id, code: nil))
    }

    @Test("Timers come in batches of a queue, and of nothing else")
    func timers() throws {
        let event = try read(
            #"{"Records":[{"messageId":"m1","body":"{}","eventSource":"aws:sqs"},"#
                + #"{"messageId":"m2","body":"x","eventSource":"aws:sqs","attributes":{}}]}"#)
        #expect(
            event
                == .timers([
                    .init(id: "m1", body: Array("{}".utf8)), .init(id: "m2", body: [0x78]),
                ]))
        #expect(throws: FunctionEvent.Fault.self) {
            try read(#"{"Records":[{"messageId":"m1","body":"{}","eventSource":"aws:s3"}]}"#)
        }
    }

    @Test(
        "What is no event is none",
        arguments: [
            "", "[]", "{}", #"{"requestContext":{}}"#,
            #"{"requestContext":{"connectionId":"","eventType":"CONNECT"}}"#,
            #"{"requestContext":{"connectionId":"a","eventType":"OTHER"}}"#,
            #"{"requestContext":{"connectionId":"a","eventType":"MESSAGE"}}"#,
            #"{"requestContext":{"connectionId":"a","connectionId":"b","eventType":"CONNECT"}}"#,
        ])
    func nonsense(_ text: String) {
        #expect(throws: FunctionEvent.Fault.self) { try read(text) }
    }

    @Test("An id that no gateway gives is none, and no event is longer than Lambda's")
    func bounds() {
        let id = String(repeating: "a", count: 129)
        #expect(throws: FunctionEvent.Fault.self) {
            try read(#"{"requestContext":{"connectionId":"\#(id)","eventType":"CONNECT"}}"#)
        }
        let filler = String(repeating: " ", count: FunctionEvent.limits.bytesMax)
        #expect(throws: FunctionEvent.Fault.self) { try read("{" + filler + "}") }
    }
}

@Suite("What the function answers") struct FunctionReplyTests {
    @Test("A connection is let in with its subprotocol, or without one")
    func accepted() throws {
        let reply = try JSONValue.parse(FunctionReply.accepted(subprotocol: "usher.v1"))
        #expect(
            reply == ["statusCode": 200, "headers": ["Sec-WebSocket-Protocol": "usher.v1"]])
        #expect(
            try JSONValue.parse(FunctionReply.accepted(subprotocol: nil)) == ["statusCode": 200])
    }

    @Test("A refusal has the status, the fields and the body of the relay's own")
    func refused() throws {
        let response = HTTPResponse.json(
            401, Array(#"{"error":"unauthorized"}"#.utf8), headers: [("Cache-Control", "no-store")])
        #expect(
            try JSONValue.parse(FunctionReply.refused(response)) == [
                "statusCode": 401,
                "headers": ["Content-Type": "application/json", "Cache-Control": "no-store"],
                "body": .string(#"{"error":"unauthorized"}"#),
            ])
    }

    @Test("Of a batch, the timers that failed are named")
    func timers() throws {
        #expect(
            try JSONValue.parse(FunctionReply.timers(failed: ["m2"]))
                == ["batchItemFailures": [["itemIdentifier": "m2"]]])
        #expect(try JSONValue.parse(FunctionReply.timers(failed: [])) == ["batchItemFailures": []])
    }
}
