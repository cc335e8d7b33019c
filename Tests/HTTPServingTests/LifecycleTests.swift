import Bytes
import Glibc
import HTTPMessages
import HTTPServing
import Locking
import Synchronization
import TestSupport
import Testing

/// Starting and stopping.
@Suite struct LifecycleTests {
    private let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    @Test("Port 0 picks a free port, and the server serves there")
    func freePort() throws {
        let (one, two) = (try serve(), try serve())
        #expect(one.port != 0 && two.port != 0 && one.port != two.port)
        #expect(try ask(two, request).status == 200)
    }

    @Test("It listens on IPv6 too, and tells the peer's address", arguments: [1, 3])
    func ipv6(threads: Int) throws {
        let server = try serve(with: {
            $0.address = "::1"
            $0.threads = threads
        }) { .response(.text(200, $0.peerAddress)) }
        let client = try RawClient(server, isIPv6: true)
        client.send(request)
        #expect(try client.answer().text == "::1")
    }

    @Test("A port in use is named, with what to do")
    func portInUse() throws {
        let server = try serve()
        let error = #expect(throws: HTTPServerError.self) {
            try serve(with: { $0.port = server.port })
        }
        #expect(error == .addressInUse(address: "127.0.0.1", port: server.port))
        #expect(error?.description.contains("127.0.0.1:\(server.port) is in use") == true)
    }

    @Test(
        "A bad address is named",
        arguments: ["localhost", "", "1.2.3", "[::1]", "256.0.0.1", "::g", "fe80::1%lo"])
    func badAddress(address: String) {
        #expect(throws: HTTPServerError.invalidAddress(address)) {
            try serve(with: { $0.address = address })
        }
    }

    @Test("An address of another machine is named")
    func foreignAddress() {
        #expect(throws: HTTPServerError.addressNotAvailable(address: "192.0.2.1")) {
            try serve(with: { $0.address = "192.0.2.1" })
        }
    }

    @Test("While it stops, new requests are turned away, and those under way are answered")
    func turnsAwayWhileStopping() throws {
        final class Gate: Sendable {
            let calls = Atomic(0)
            let isOpen = Atomic(false)
        }
        let gate = Gate()
        let server = try serve { _ in
            let isFirst = gate.calls.add(1, ordering: .relaxed).oldValue == 0
            while isFirst, !gate.isOpen.load(ordering: .relaxed) { usleep(1000) }
            return .response(.text(200, "late"))
        }
        let early = try RawClient(server)
        early.send(request)
        while gate.calls.load(ordering: .relaxed) == 0 { usleep(1000) }
        let stopper = TestThread { server.stop() }
        var answer = try ask(server, request)
        while answer.status == 200 { answer = try ask(server, request) }
        #expect(answer.status == 503)
        #expect(answer.headers["Retry-After"] == "1")
        // A page that asks why it may not connect reads it, too.
        #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
        gate.isOpen.store(true, ordering: .relaxed)
        stopper.wait()
        #expect(try early.answer().text == "late")
    }

    @Test("A server that is stopped under load always stops")
    func stopsUnderLoad() throws {
        for _ in 0..<20 {
            let server = try serve()
            let loads = (0..<4).map { _ in
                TestThread {
                    // Until the server is gone, whichever way it takes leave.
                    while let client = try? RawClient(server) {
                        client.send(request)
                        guard (try? client.answer()) != nil else { return }
                    }
                }
            }
            usleep(2000)
            server.stop()
            for load in loads { load.wait() }
            #expect(server.requestsInFlight == 0)
        }
    }

    @Test("Stop lets an answer under way out, and no handler runs after it")
    func stopWhileHandling() throws {
        final class Marks: Sendable {
            let entered = Lock(false)
            let finished = Lock(false)
        }
        let marks = Marks()
        let server = try serve { _ in
            marks.entered.withLock { $0 = true }
            usleep(200_000)
            marks.finished.withLock { $0 = true }
            return .response(.text(200, "late"))
        }
        let client = try RawClient(server)
        client.send(request)
        while !marks.entered.withLock({ $0 }) { usleep(1000) }
        server.stop()
        #expect(marks.finished.withLock { $0 })
        #expect(try client.answer().text == "late")
        #expect(client.isClosedByServer())
    }

    @Test("Stop ends connections in every stage, several times over and from several threads")
    func stopInEveryStage() throws {
        for threads in [1, 2, 4] {
            let server = try serve(with: {
                $0.threads = threads
                $0.stopGraceMilliseconds = 10
            })
            let starts = [
                "", "GET", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", request,
            ]
            let clients = try (0..<40).map { index in
                let client = try RawClient(server)
                client.send(starts[index % starts.count])
                return client
            }
            onThreads(3) { _ in server.stop() }
            server.stop()
            #expect(server.requestsInFlight == 0)
            for client in clients {
                _ = try? client.answer()
                #expect(client.isClosedByServer())
            }
        }
    }

    @Test("A server that is let go stops, and its port is free again")
    func release() throws {
        var server: HTTPServer? = try serve()
        let port = server!.port
        server = nil
        let again = try serve(with: { $0.port = port })
        #expect(again.port == port)
    }

    @Test("Requests run on several threads at once, and none is mixed up")
    func parallelRequests() throws {
        let server = try serve(with: { $0.threads = 4 })
        onThreads(8) { number in
            guard let client = try? RawClient(server) else { return }
            for turn in 0..<100 {
                client.send(
                    "POST /\(number)/\(turn) HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok")
                let text = (try? client.answer().text) ?? ""
                #expect(text.hasPrefix("POST /\(number)/\(turn) -") && text.hasSuffix("ok"))
            }
        }
    }

    @Test("What libmicrohttpd complains of is told without anything of the request")
    func logHoldsNoContent() throws {
        let messages = Lock<[String]>([])
        let server = try serve(with: {
            $0.log = { message in messages.withLock { $0.append(message) } }
        })
        let secret = "s3cr3t"
        let request = "GET /\(secret) HTTP/1.1\r\nHost: \(secret)\r\n\(secret)\r\n\r\n"
        #expect(try ask(server, request).status == 400)
        server.stop()
        let told = messages.withLock { $0 }
        #expect(!told.isEmpty)
        #expect(!told.contains { $0.contains(secret) })
    }
}
