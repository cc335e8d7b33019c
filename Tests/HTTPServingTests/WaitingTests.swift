import Bytes
import Glibc
import HTTPMessages
import HTTPServing
import Synchronization
import TestSupport
import Testing

/// Requests whose answers may have to wait for another machine: docs/architecture.md §3.
@Suite struct WaitingTests {
    /// Closed: whoever asks for `/slow` waits.
    private final class Gate: Sendable {
        let isOpen = Atomic(false)
        let waiting = Atomic(0)

        @Sendable func outcome(of request: HTTPRequest) -> HTTPOutcome {
            guard request.path == "/slow" else { return .response(.text(200, "fast")) }
            waiting.add(1, ordering: .relaxed)
            while !isOpen.load(ordering: .relaxed) { usleep(1000) }
            return .response(.text(200, "slow \(String(decoding: request.body, as: UTF8.self))"))
        }

        func wait(for count: Int) {
            while waiting.load(ordering: .relaxed) < count { usleep(1000) }
        }
    }

    private func serve(_ gate: Gate, waitingMax: Int = 1024) throws -> HTTPServer {
        var configuration = HTTPServerConfiguration(address: "127.0.0.1", port: 0)
        configuration.threads = 1
        configuration.mayWait = { $0.path == "/slow" }
        configuration.stopGraceMilliseconds = 200
        configuration.waitingMax = waitingMax
        return try HTTPServer(configuration, handler: gate.outcome)
    }

    private func post(_ path: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test("While many wait, the one thread answers others, on connections that are open too")
    func others() throws {
        let gate = Gate()
        let server = try serve(gate)
        let fast = try RawClient(server)
        let slow = try (0..<40).map { _ in try RawClient(server) }
        for (index, client) in slow.enumerated() { client.send(post("/slow", "\(index)")) }
        gate.wait(for: 16)
        for _ in 0..<50 {
            fast.send(post("/fast", "x"))
            #expect(try fast.answer().text == "fast")
        }
        #expect(gate.waiting.load(ordering: .relaxed) == 16)
        gate.isOpen.store(true, ordering: .relaxed)
        for (index, client) in slow.enumerated() {
            #expect(try client.answer().text == "slow \(index)")
            client.send(post("/slow", "again"))
            #expect(try client.answer().text == "slow again")
        }
    }

    @Test("What comes behind a request that waits is answered after it")
    func pipelined() throws {
        let gate = Gate()
        let server = try serve(gate)
        let client = try RawClient(server)
        client.send(post("/slow", "1") + post("/fast", "2") + post("/slow", "3"))
        gate.wait(for: 1)
        gate.isOpen.store(true, ordering: .relaxed)
        let answers = try (0..<3).map { _ in try client.answer().text }
        #expect(answers == ["slow 1", "fast", "slow 3"])
    }

    @Test("Whoever goes away while it waits harms nobody")
    func gone() throws {
        let gate = Gate()
        let server = try serve(gate)
        for _ in 0..<10 {
            let client = try RawClient(server)
            client.send(post("/slow", "x"))
            client.drop()
        }
        gate.wait(for: 10)
        #expect(try ask(server, post("/fast", "x")).text == "fast")
        gate.isOpen.store(true, ordering: .relaxed)
        #expect(try ask(server, post("/slow", "x")).text == "slow x")
        while server.requestsInFlight > 0 { usleep(1000) }
    }

    @Test("A stop waits for what is under way, and turns away those whose turn has not come")
    func stops() throws {
        let gate = Gate()
        let server = try serve(gate)
        let clients = try (0..<20).map { _ in try RawClient(server) }
        for client in clients { client.send(post("/slow", "x")) }
        gate.wait(for: 16)
        let stopper = TestThread { server.stop() }
        while try ask(server, post("/fast", "x")).status == 200 { usleep(1000) }
        gate.isOpen.store(true, ordering: .relaxed)
        stopper.wait()
        let answers = try clients.map { try $0.answer().status }
        #expect(answers.count { $0 == 200 } == 16 && answers.count { $0 == 503 } == 4)
        #expect(gate.waiting.load(ordering: .relaxed) == 16)
    }

    @Test("Whoever finds too many waiting is told so, and nothing is done for them")
    func tooMany() throws {
        let gate = Gate()
        let server = try serve(gate, waitingMax: 8)
        let clients = try (0..<40).map { _ in try RawClient(server) }
        for client in clients { client.send(post("/slow", "x")) }
        gate.wait(for: 16)
        // Those that found no room, however they came, have been told so by now.
        while server.requestsInFlight > 24 { usleep(1000) }
        gate.isOpen.store(true, ordering: .relaxed)
        let answers = try clients.map { try $0.answer().status }
        let done = answers.count { $0 == 200 }
        #expect(done == 24 && answers.count { $0 == 503 } == 16)
        #expect(gate.waiting.load(ordering: .relaxed) == done)
    }

    @Test("A server under load that is stopped while some wait always stops")
    func stopsUnderLoad() throws {
        for round in 0..<20 {
            let gate = Gate()
            let server = try serve(gate)
            let loads = (0..<4).map { _ in
                TestThread {
                    while let client = try? RawClient(server) {
                        client.send(post("/slow", "x"))
                        guard (try? client.answer())?.status == 200 else { return }
                    }
                }
            }
            gate.wait(for: 2)
            if round.isMultiple(of: 2) { gate.isOpen.store(true, ordering: .relaxed) }
            let opener = TestThread {
                usleep(300_000)
                gate.isOpen.store(true, ordering: .relaxed)
            }
            server.stop()
            for load in loads { load.wait() }
            opener.wait()
        }
    }
}
