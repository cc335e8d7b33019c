import Glibc
import SocketLoop
import Testing
import WebSocket

@Suite struct LoopTests {
    @Test("Messages between two loops arrive in order, both ways at once")
    func crossLoopOrder() throws {
        let harness = try Harness(loops: 2) { $0.outboundBytesMax = 0 }
        let (left, right) = (try harness.connect(0, loop: 0), try harness.connect(1, loop: 1))
        #expect(harness.log.socket(0)?.loop == 0)
        #expect(harness.log.socket(1)?.loop == 1)
        let count = 4000
        for start in stride(from: 0, to: count, by: 100) {
            left.send((start..<(start + 100)).flatMap { Frame.text("to 1 from left \($0)") })
            right.send((start..<(start + 100)).flatMap { Frame.text("to 0 from right \($0)") })
        }
        for number in 0..<count {
            let heard = (try left.hear(), try right.hear())
            if heard.0 != .text("from right \(number)") || heard.1 != .text("from left \(number)") {
                Issue.record("\(number): \(heard)")
                break
            }
        }
    }

    @Test("A send and then a close of another loop's socket arrive in that order")
    func crossLoopClose() throws {
        let harness = try Harness(loops: 2)
        let (left, right) = (try harness.connect(0, loop: 0), try harness.connect(1, loop: 1))
        left.send(
            Frame.text("to 1 goodbye") + Frame.text("close 1 4501") + Frame.text("to 1 too late"))
        #expect(try right.hear() == .text("goodbye"))
        #expect(try right.hear() == .close(4501, "on request"))
        #expect(try harness.end(1) == .closedByUs(.revoked))
        right.send(Frame.close(4501))
        #expect(try right.hear() == .end)
    }

    @Test("Another loop's socket can be probed")
    func crossLoopProbe() throws {
        let harness = try Harness(loops: 2)
        let (left, right) = (try harness.connect(0, loop: 0), try harness.connect(1, loop: 1))
        left.say("probe 1 3")
        #expect(try right.hear() == .ping([]))
        harness.advance(milliseconds: 3000)
        #expect(try right.hear() == .close(4408, "no pong in time"))
    }

    @Test("A slow reader of another loop is closed with 1013, and its sender goes on")
    func crossLoopSlowReader() throws {
        let harness = try Harness(loops: 2)
        let (left, right) = (try harness.connect(0, loop: 0), try harness.connect(1, loop: 1))
        var count = 0
        while harness.log.ends(1).isEmpty {
            left.send(Frame.text("flood 1 10 30000") + Frame.text("\(count)"))
            #expect(try left.hear() == .text("<\(count)>"))
            count += 1
        }
        #expect(harness.log.ends(1) == [.closedByUs(.overloaded)])
        right.send(Frame.close(1013))
        #expect(try right.hearAll().suffix(2) == [.close(1013, "the queue is full"), .end])
    }

    @Test("An id names nothing once its socket is gone, though its slot is used again")
    func generations() throws {
        let harness = try Harness()
        let first = try harness.connect(1)
        let old = try #require(harness.log.socket(1))
        first.reset()
        #expect(try harness.end(1) == .lost)
        let second = try harness.connect(2)
        let new = try #require(harness.log.socket(2))
        #expect(new.slot == old.slot)
        #expect(new.generation == old.generation + 1)
        harness.loops.tell(.send(to: old, "for the dead"))
        harness.loops.tell(.close(old, .revoked))
        harness.loops.tell(.probe(old, secondsMax: 1))
        harness.loops.tell(.send(to: new, "for the living"))
        #expect(try second.hear() == .text("for the living"))
    }

    @Test("Ids that no loop gave out are ignored")
    func strangeIDs() throws {
        let harness = try Harness(loops: 2)
        let client = try harness.connect(1)
        for raw in [0, 2, .max, 1 << 56, 200 << 56, 0xff_ffff << 32] as [UInt64] {
            harness.loops.tell(.send(to: SocketID(raw: raw), "x"))
            harness.loops.tell(.close(SocketID(raw: raw), .normal))
            harness.loops.tell(.probe(SocketID(raw: raw), secondsMax: 1))
        }
        client.say("here")
        #expect(try client.hear() == .text("<here>"))
    }

    @Test("Notes reach every loop in the order they were told")
    func notes() throws {
        let harness = try Harness(loops: 3)
        for number in 0..<500 { harness.loops.tell(.number(number)) }
        try harness.log.wait { $0.events.count >= 1500 }
        for loop in 0..<3 {
            let numbers = harness.log.events.compactMap { event -> Int? in
                guard case .told(let number, loop) = event else { return nil }
                return number
            }
            #expect(numbers == Array(0..<500))
        }
    }

    @Test("Sockets without affinity take the loops in turn; any affinity has a loop")
    func affinity() throws {
        let harness = try Harness(loops: 3)
        var clients: [TestClient] = []
        for (name, affinity) in [(1, nil), (2, nil), (3, nil), (4, 7), (5, -1), (6, Int.min)] {
            let (client, server) = TestClient.pair()
            clients.append(client)
            harness.loops.adopt(server, earlyBytes: [], admission: name, affinity: affinity)
            try harness.log.wait { $0.socket(name) != nil }
        }
        let loops = (1...3).compactMap { harness.log.socket($0)?.loop }
        #expect(Set(loops) == [0, 1, 2])
        #expect(harness.log.socket(4)?.loop == 1)
        #expect(harness.log.socket(5) != nil)
    }
}

@Suite struct StopTests {
    @Test("A stop closes every socket with its code, behind what was queued, and tells of each")
    func stop() throws {
        let harness = try Harness(loops: 2)
        let clients = try (0..<20).map { try harness.connect($0, loop: $0) }
        for client in clients { client.send(Frame.text("last words") + Frame.close(1000)) }
        let silent = try harness.connect(99)
        let stopper = Stopper(harness, .restarting, secondsMax: 20)
        for client in clients { #expect(try client.hear() == .text("<last words>")) }
        #expect(try silent.hear() == .close(1012, ""))
        silent.send(Frame.close(1012))
        #expect(try silent.hear() == .end)
        silent.hangUp()
        for client in clients {
            _ = try client.hear()
            #expect(try client.hear() == .end)
            client.hangUp()
        }
        stopper.wait()
        #expect(harness.log.ends(99) == [.closedByUs(.restarting)])
        for name in 0..<20 { #expect(harness.log.ends(name).count == 1) }
    }

    @Test("A stop takes no longer than allowed, whatever the peers do, and tells of each")
    func impatientStop() throws {
        let harness = try Harness(loops: 2) { $0.outboundBytesMax = 0 }
        var clients: [TestClient] = []
        for name in 0..<10 {
            let client = try harness.connect(name, loop: name)
            client.say("flood \(name) 100 65536")
            clients.append(client)
        }
        try harness.log.wait { $0.events.count >= 20 }
        harness.stop(.restarting, secondsMax: 0)
        for name in 0..<10 {
            #expect(harness.log.ends(name) == [.closedByUs(.restarting)])
        }
        for client in clients { _ = try client.hearAll() }
    }

    @Test("A socket that comes after the stop is closed at once, and no second stop hangs")
    func afterStop() throws {
        let harness = try Harness(loops: 2)
        harness.stop()
        harness.stop()
        let (client, server) = TestClient.tcp()
        harness.loops.adopt(server, earlyBytes: [], admission: 1, affinity: nil)
        harness.loops.tell(.poke)
        #expect(try client.hear() == .end)
        #expect(harness.log.events.isEmpty)
    }

    @Test("No descriptor is left open after a stop, nor after a hundred")
    func descriptors() throws {
        let before = try openCount()
        for round in 0..<100 {
            let harness = try Harness(loops: 2)
            let (alive, dead) = (try harness.connect(1), try harness.connect(2, loop: 1))
            dead.reset()
            if round % 2 == 0 { alive.say("close 1 1000") }
            harness.stop()
            _ = try alive.hearAll()
        }
        // Two loops and two sockets make six descriptors a round; other tests run meanwhile.
        #expect(try openCount() < before + 400)
    }

    @Test("What the kernel refused is named, with what to do about it")
    func errors() {
        #expect(SocketLoopError.descriptor(number: EMFILE).description.contains("ulimit -n"))
        #expect(SocketLoopError.descriptor(number: ENOMEM).description.contains("errno 12"))
        #expect(SocketLoopError.thread(number: EAGAIN).description.contains("ulimit -u"))
        #expect(SocketLoopError.thread(number: EAGAIN).code == "socket_loop_thread")
    }

    private func openCount() throws -> Int {
        let folder = unsafe try #require(unsafe opendir("/proc/self/fd"))
        defer { unsafe closedir(folder) }
        var count = 0
        while unsafe readdir(folder) != nil { count += 1 }
        return count
    }
}

/// Stops loops from a thread of its own.
private final class Stopper {
    private var thread = pthread_t()

    private final class Job: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    init(_ harness: Harness, _ code: CloseCode, secondsMax: Int) {
        harness.clock.release()
        let loops = harness.loops
        let job = Job { loops.stop(closing: code, secondsMax: secondsMax) }
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            }, Unmanaged.passRetained(job).toOpaque())
        precondition(status == 0, "no thread")
    }

    func wait() { pthread_join(thread, nil) }
}
