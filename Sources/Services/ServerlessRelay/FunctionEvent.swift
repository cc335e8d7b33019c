internal import Bytes
internal import HTTPMessages
internal import StrictJSON

/// What the function is invoked with: the proxy events of a WebSocket API of API Gateway, or a
/// batch of SQS.
enum FunctionEvent: Equatable, Sendable {
    /// Somebody wants to connect; the answer's status decides. `parameters` are those of the query.
    case connect(gateway: ByteText, HTTPRequest, [Parameter])
    case message(gateway: ByteText, Body)
    /// The connection is gone; without a code where none is known.
    case disconnect(gateway: ByteText, code: Int?)
    /// What `TimerPort` was given.
    case timers([Timer])

    struct Parameter: Equatable, Sendable {
        let name: ByteText
        let value: ByteText
    }

    enum Body: Equatable, Sendable {
        case text([UInt8])
        case binary
    }

    struct Timer: Equatable, Sendable {
        let id: ByteText
        let body: [UInt8]
    }

    /// What is wrong with an event; nothing of it is told.
    struct Fault: Error, Sendable { let place: StaticString }

    /// The gateway's messages have at most 128 KB, each byte of which may be an escape of six; a
    /// batch has at most 10,000 timers, and those of ours are short.
    static let limits = JSONLimits(bytesMax: 6 << 20, depthMax: 16, membersMax: 10_000)
    /// The gateway's ids have 15 letters and a `=`.
    private static let idBytes = 1...128

    init(_ bytes: [UInt8]) throws(Fault) {
        guard let event = (try? JSONValue.parse(bytes, limits: Self.limits))?.object else {
            throw Fault(place: "event")
        }
        if let records = event["Records"]?.array {
            self = .timers(try records.map(Self.timer))
            return
        }
        guard let context = event["requestContext"]?.object,
            let gateway = context["connectionId"]?.string,
            Self.idBytes.contains(gateway.count)
        else { throw Fault(place: "requestContext.connectionId") }
        switch context["eventType"]?.string {
        case "CONNECT":
            let request = HTTPRequest(
                headers: HeaderFields(
                    fields: Self.pairs(event, "multiValueHeaders", "headers").map {
                        HeaderFields.Field(name: $0.name, value: $0.value)
                    }),
                peerAddress: (context["identity"]?.object?["sourceIp"]?.string ?? "").string,
                isSecure: true)
            let parameters = Self.pairs(
                event, "multiValueQueryStringParameters", "queryStringParameters")
            self = .connect(gateway: gateway, request, parameters)
        case "MESSAGE": self = .message(gateway: gateway, try Self.body(event))
        case "DISCONNECT":
            let code = context["disconnectStatusCode"]?.int64.flatMap { Int(exactly: $0) }
            self = .disconnect(gateway: gateway, code: code)
        default: throw Fault(place: "requestContext.eventType")
        }
    }

    private static func timer(_ record: JSONValue) throws(Fault) -> Timer {
        guard let record = record.object, record["eventSource"]?.string == "aws:sqs",
            let id = record["messageId"]?.string, let body = record["body"]?.string
        else { throw Fault(place: "Records") }
        return Timer(id: id, body: Array(body.utf8))
    }

    private static func body(_ event: JSONObject) throws(Fault) -> Body {
        guard let body = event["body"]?.string else { throw Fault(place: "body") }
        guard event["isBase64Encoded"]?.bool == true else { return .text(Array(body.utf8)) }
        // In base64 the gateway hands on what was binary on the wire, and nothing else.
        guard Base64.decode(body.utf8.span) != nil else { throw Fault(place: "body") }
        return .binary
    }

    /// All values of each name where they are told, else the one.
    private static func pairs(
        _ event: JSONObject, _ all: ByteText, _ single: ByteText
    ) -> [Parameter] {
        if let all = event[all]?.object {
            return all.members.flatMap { member in
                (member.value.array ?? []).compactMap(\.string).map {
                    Parameter(name: member.name, value: $0)
                }
            }
        }
        return (event[single]?.object?.members ?? []).compactMap { member in
            member.value.string.map { Parameter(name: member.name, value: $0) }
        }
    }
}
