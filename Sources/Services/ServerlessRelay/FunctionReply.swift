internal import Bytes
internal import HTTPMessages
internal import StrictJSON

/// What the function answers, as JSON.
enum FunctionReply {
    /// Of every message that was handled, whatever came of it: the gateway would tell the client
    /// of any other status in words of its own.
    static let done = Array(#"{"statusCode":200}"#.utf8)

    /// Lets a connection in.
    static func accepted(subprotocol: ByteText?) -> [UInt8] {
        guard let subprotocol else { return done }
        let document: JSONValue = [
            "statusCode": 200, "headers": ["Sec-WebSocket-Protocol": .string(subprotocol)],
        ]
        return document.serialized()
    }

    /// Refuses one. What the gateway passes on is the status alone.
    static func refused(_ response: HTTPResponse) -> [UInt8] {
        var headers = JSONObject()
        for field in response.headers.fields { headers[field.name] = .string(field.value) }
        let document: JSONValue = [
            "statusCode": .number(JSONNumber(Int64(response.status))),
            "headers": .object(headers),
            "body": .string(String(decoding: response.body, as: UTF8.self)),
        ]
        return document.serialized()
    }

    /// Of a batch: which timers are to come again (`ReportBatchItemFailures`).
    static func timers(failed: [ByteText]) -> [UInt8] {
        let document: JSONValue = [
            "batchItemFailures": .array(failed.map { ["itemIdentifier": .string($0)] })
        ]
        return document.serialized()
    }
}
