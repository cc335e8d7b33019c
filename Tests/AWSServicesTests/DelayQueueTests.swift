import Bytes
import HTTPClient
import ServerSupport
import StrictJSON
import Testing

@testable import AWSServices

@Suite struct DelayQueueTests {
    private static let done = ListedServer.answer(200, #"{"MessageId":"1"}"#)

    private func sent(
        _ answers: [String], afterSeconds seconds: Int = 30
    ) throws -> (ListedServer, AWSFault?) {
        let server = try ListedServer(answers)
        let queue = DelayQueue(try url(server.port, "/123456789012/timers"), access())
        do throws(AWSFault) {
            try queue.send("a \"b\"", afterSeconds: seconds)
            return (server, nil)
        } catch {
            return (server, error)
        }
    }

    @Test("A message is sent as the JSON protocol has it")
    func message() throws {
        let (server, fault) = try sent([Self.done])
        #expect(fault == nil)
        let request = try #require(server.requests.first)
        #expect(request.head[0] == "POST / HTTP/1.1")
        #expect(request.field("X-Amz-Target") == "AmazonSQS.SendMessage")
        #expect(request.field("Content-Type") == "application/x-amz-json-1.0")
        #expect(request.field("Authorization")?.contains("/eu-central-1/sqs/") == true)
        let body = try JSONValue.parse(Array((request.head.last ?? "").utf8))
        #expect(
            body == [
                "QueueUrl": .string("http://127.0.0.1:\(server.port)/123456789012/timers"),
                "MessageBody": #"a "b""#, "DelaySeconds": 30,
            ])
    }

    @Test(
        "A delay is at most that which the queue knows",
        arguments: [
            (901, 900), (Int.max, 900), (-1, 0), (0, 0),
        ])
    func delay(_ asked: Int, _ said: Int) throws {
        let (server, _) = try sent([Self.done], afterSeconds: asked)
        #expect(server.requests[0].hasSuffix("\"DelaySeconds\":\(said)}"))
    }

    @Test("A throttle is waited out, and a refusal is told")
    func refused() throws {
        let throttle = ListedServer.answer(
            400, #"{"__type":"com.amazonaws.sqs#RequestThrottled"}"#)
        let (throttled, fault) = try sent([throttle, Self.done])
        #expect((throttled.requests.count, fault == nil) == (2, true))
        let none = ListedServer.answer(
            400, #"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}"#)
        let (refused, refusal) = try sent([none, Self.done])
        #expect(refused.requests.count == 1)
        #expect(refusal == .unavailable("SendMessage: status 400 (QueueDoesNotExist)"))
    }
}
