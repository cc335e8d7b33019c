import Bytes
import Locking
import ServerSupport
import StrictJSON
import Testing

@testable import HTTPClient
@testable import LambdaRuntime

@Suite struct LambdaRuntimeTests {
    /// What a loop came to.
    private final class Notes {
        var invocations: [Invocation] = []
        var reported: [RuntimeFault] = []
        var end: RuntimeFault?
    }

    private func run(
        _ toy: ToyRuntime,
        _ handle: @escaping (Invocation) -> Handled = { .init(.success($0.body)) }
    ) throws -> Notes {
        let notes = Notes()
        let runtime = try LambdaRuntime(address: ByteText(toy.address)) {
            notes.reported.append($0)
        }
        notes.end = runtime.run { invocation in
            notes.invocations.append(invocation)
            return handle(invocation)
        }
        return notes
    }

    @Test("Events are taken and answered one after the other")
    func events() throws {
        let second = [ToyRuntime.id("b_2"), "lambda-runtime-deadline-ms: 5"]
        let toy = try ToyRuntime([
            ToyRuntime.event(#"{"a":1}"#), ToyRuntime.event("", fields: second),
        ])
        let notes = try run(toy)
        #expect(
            notes.invocations == [
                Invocation(
                    requestID: "a-1", deadlineMilliseconds: 1_700_000_000_123,
                    body: Array(#"{"a":1}"#.utf8)),
                Invocation(requestID: "b_2", deadlineMilliseconds: 5, body: []),
            ])
        #expect(
            toy.lines == [
                "GET /invocation/next", "POST /invocation/a-1/response",
                "GET /invocation/next", "POST /invocation/b_2/response", "GET /invocation/next",
            ])
        #expect(toy.calls[1].body == #"{"a":1}"#)
        #expect(toy.calls[1].fields.contains("Content-Type: application/json"))
        #expect(notes.end == .refused(.next, status: 500))
        #expect(notes.reported == [])
    }

    @Test("What follows an answer is done after it and before the next question")
    func after() throws {
        let toy = try ToyRuntime([ToyRuntime.event("1"), ToyRuntime.event("2")])
        var seen: [[String]] = []
        _ = try run(toy) { _ in
            Handled(.success([0x31])) { seen.append(toy.lines.map { String($0.prefix(20)) }) }
        }
        let (next, post) = ("GET /invocation/next", "POST /invocation/a-1")
        #expect(seen == [[next, post], [next, post, next, post]])
    }

    @Test("A fault of the function is told as one, and what follows is done all the same")
    func functionFault() throws {
        let toy = try ToyRuntime([ToyRuntime.event("1")])
        var isDone = false
        let fault = FunctionFault(type: "Usher.Event", message: "it is \"none\"")
        let notes = try run(toy) { _ in Handled(.failure(fault)) { isDone = true } }
        #expect(toy.lines[1] == "POST /invocation/a-1/error")
        let document = try JSONValue.parse(Array(toy.calls[1].body.utf8)).object
        #expect(document?["errorType"] == "Usher.Event")
        #expect(document?["errorMessage"] == #"it is "none""#)
        #expect(toy.calls[1].fields.contains("Lambda-Runtime-Function-Error-Type: Usher.Event"))
        #expect(isDone)
        #expect(notes.reported == [])
    }

    @Test(
        "An event without one good request id ends the process",
        arguments: [
            [], [ToyRuntime.id("")], [ToyRuntime.id("a/../b")], [ToyRuntime.id("é")],
            [ToyRuntime.id("a"), ToyRuntime.id("b")],
            [ToyRuntime.id(String(repeating: "a", count: 129))],
        ])
    func requestID(_ fields: [String]) throws {
        let fields = fields + ["Lambda-Runtime-Deadline-Ms: 1"]
        let toy = try ToyRuntime([ToyRuntime.event("1", fields: fields)])
        let notes = try run(toy)
        #expect(notes.end == .withoutRequestID)
        #expect(toy.lines == ["GET /invocation/next"])
        #expect(notes.invocations.isEmpty)
    }

    @Test(
        "An event without one good deadline is answered with an error",
        arguments: [
            [], [""], ["soon"], ["-1"], ["1", "2"], ["12345678901234567"], ["1.5"],
        ])
    func deadline(_ values: [String]) throws {
        let fields =
            [ToyRuntime.id("a-1")] + values.map { "Lambda-Runtime-Deadline-Ms: \($0)" }
        let toy = try ToyRuntime([ToyRuntime.event("1", fields: fields), ToyRuntime.event("2")])
        let notes = try run(toy)
        #expect(
            toy.lines == [
                "GET /invocation/next", "POST /invocation/a-1/error", "GET /invocation/next",
                "POST /invocation/a-1/response", "GET /invocation/next",
            ])
        #expect(notes.invocations.map(\.body) == [[0x32]])
        #expect(notes.reported == [.withoutDeadline("a-1")])
    }

    @Test(
        "An answer that is refused for a known reason is reported, and the next event taken",
        arguments: [400, 403, 413])
    func refused(_ status: Int) throws {
        let refusal = "HTTP/1.1 \(status) No\r\nContent-Length: 0\r\n\r\n"
        let toy = try ToyRuntime(
            [ToyRuntime.event("1"), ToyRuntime.event("2")], answers: [refusal])
        var done = 0
        let notes = try run(toy) { Handled(.success($0.body)) { done += 1 } }
        #expect(notes.reported == [.refused(.response, status: status)])
        #expect(notes.invocations.count == 2)
        #expect(done == 2)
    }

    @Test("The process ends where the API fails, once what follows the answer is done")
    func failing() throws {
        let refusal = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        let toy = try ToyRuntime(
            [ToyRuntime.event("1"), ToyRuntime.event("2")], answers: [refusal])
        var done = 0
        let notes = try run(toy) { Handled(.success($0.body)) { done += 1 } }
        #expect(notes.end == .refused(.response, status: 500))
        #expect(done == 1)
        #expect(toy.lines.count == 2)
    }

    @Test(
        "An event that is too large, or no answer of HTTP, ends the process",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 7340033\r\n\r\n", "nonsense\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n",
        ])
    func malformed(_ answer: String) throws {
        let notes = try run(try ToyRuntime([answer]))
        guard case .noAnswer(.next, .answerRefused) = notes.end else {
            Issue.record("\(String(describing: notes.end))")
            return
        }
        #expect(notes.invocations.isEmpty)
    }

    @Test("A connection that the API closes after each request is no fault")
    func closing() throws {
        let toy = try ToyRuntime(
            [ToyRuntime.event("1"), ToyRuntime.event("2")], perConnection: 1)
        let notes = try run(toy)
        #expect(notes.invocations.map(\.body) == [[0x31], [0x32]])
        #expect(notes.end == .refused(.next, status: 500))
        #expect(notes.reported == [])
    }

    @Test("Why nothing can be handled is told")
    func initError() throws {
        let toy = try ToyRuntime([])
        let runtime = try LambdaRuntime(address: ByteText(toy.address)) { _ in }
        try runtime.failInit(
            FunctionFault(type: "Usher.Setting", message: "USHER_TABLE is missing"))
        #expect(toy.lines == ["POST /init/error"])
        #expect(toy.calls[0].body.contains(#""errorMessage":"USHER_TABLE is missing""#))
    }

    @Test(
        "What is no host and port is no address",
        arguments: [
            "", "127.0.0.1:9001/path", "a b:1", "user@127.0.0.1:1",
        ])
    func address(_ text: String) {
        #expect(throws: RuntimeFault.address) {
            try LambdaRuntime(address: ByteText(text)) { _ in }
        }
    }
}
