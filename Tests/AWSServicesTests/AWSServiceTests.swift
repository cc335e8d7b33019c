import Bytes
import Glibc
import HTTPClient
import HTTPMessages
import Locking
import ServerSupport
import Testing
import Threads

@testable import AWSServices

@Suite struct AWSServiceTests {
    private static let done = "HTTP/1.1 200 S\r\nContent-Length: 0\r\n\r\n"

    /// Those who wait for one another.
    private final class Meeting: Sendable {
        private let arrived = Lock(0)

        func wait(for count: Int) {
            arrived.withLock { $0 += 1 }
            for _ in 0..<2000 where arrived.withLock({ $0 }) < count { usleep(5000) }
        }
    }

    private final class Statuses: Sendable {
        private let list = Lock<[Int]>([])
        var all: [Int] { list.withLock { $0 } }
        func add(_ status: Int) { list.withLock { $0.append(status) } }
    }

    @Test("Requests of several threads are under way at once, and their connections are kept")
    func several() throws {
        let count = 8
        let meeting = Meeting()
        let server = try ScriptedServer { peer in
            var isFirst = true
            while peer.request() != nil {
                // None is answered before all are there.
                if isFirst { meeting.wait(for: count) }
                isFirst = false
                peer.send(Self.done)
            }
        }
        let service = AWSService("dynamodb", at: try url(server.port), access())
        for _ in 0..<3 {
            let statuses = Statuses()
            let threads = try (0..<count).map { _ in
                try OwnThread(named: "test-ask") {
                    let answer = try? service.call("Some.Operation", [], isRepeatable: false)
                    statuses.add(answer?.status ?? 0)
                }
            }
            threads.forEach { $0.join() }
            #expect(statuses.all == Array(repeating: 200, count: count))
        }
        #expect(server.connections == count)
    }

    @Test("One thread goes on with one connection")
    func one() throws {
        let server = try ListedServer(["200"])
        let service = AWSService("dynamodb", at: try url(server.port), access())
        for _ in 0..<20 { _ = try service.call("Some.Operation", [1], isRepeatable: false) }
        #expect((server.requests.count, server.connections) == (20, 1))
    }

    @Test("Every answer is given, whatever its status", arguments: [200, 400, 429, 500])
    func statuses(_ status: Int) throws {
        let server = try ListedServer([ListedServer.answer(status, "body")])
        let service = AWSService("dynamodb", at: try url(server.port), access())
        let answer = try service.call("Some.Operation", [], isRepeatable: false)
        #expect((answer.status, answer.body) == (status, Array("body".utf8)))
        #expect(server.requests.count == 1)
    }

    @Test("The deadline is that of the work at hand")
    func work() throws {
        let server = try ScriptedServer { $0.untilEnd() }
        let access = access()
        let service = AWSService("dynamodb", at: try url(server.port), access)
        access.work.set(Deadline(after: .milliseconds(100)))
        let start = ContinuousClock.now
        #expect(throws: HTTPClientError.self) {
            try service.call("Some.Operation", [], isRepeatable: false)
        }
        #expect(start.duration(to: .now) < .milliseconds(1500))
        var pauses = service.pauses()
        let isTimeLeft = pauses.wait()
        #expect(!isTimeLeft)
    }

    @Test("Pauses double up to a second, and half of each is left to chance")
    func pauses() {
        var pauses = Pauses(until: .never)
        let least = (0..<7).map { _ in pauses.next(chance: 0) }
        #expect(least == [25, 50, 100, 200, 400, 500, 500])
        var longest = Pauses(until: .never)
        let most = (0..<7).map { _ in longest.next(chance: .max) }
        for (pause, bound) in zip(most, [50.0, 100, 200, 400, 800, 1000, 1000]) {
            #expect(pause <= bound && pause > bound * 0.999)
        }
    }

    @Test(
        "The name of an error is read from the field or the document, and is a name",
        arguments: [
            (ListedServer.answer(400, #"{"__type":"a.b#Some"}"#), "Some"),
            (ListedServer.answer(400, "", field: "x-amzn-ErrorType: Some:http://x"), "Some"),
            (ListedServer.answer(400, #"{"__type":"two words"}"#), ""),
            (ListedServer.answer(400, #"{"__type":7}"#), ""),
            (ListedServer.answer(400, "not JSON"), ""),
            (ListedServer.answer(400, "", field: "x-amzn-ErrorType: #"), ""),
        ])
    func errorType(_ answer: String, _ name: String) throws {
        let server = try ListedServer([answer])
        let service = AWSService("dynamodb", at: try url(server.port), access())
        let answer = try service.call("Some.Operation", [], isRepeatable: false)
        #expect(answer.awsErrorType == ByteText(name))
    }
}
