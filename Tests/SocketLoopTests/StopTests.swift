import Glibc
import SocketLoop
import TestSupport
import Testing
import WebSocket

@Suite struct StopTests {
    @Test("A stop closes every socket with its code, behind what was queued, and tells of each")
    func stop() throws {
        let harness = try Harness(loops: 2)
        let clients = try (0..<20).map { try harness.connect($0, loop: $0) }
        for client in clients { client.send(Frame.text("last words") + Frame.close(1000)) }
        let silent = try harness.connect(99)
        let stopper = harness.stopper(.restarting, secondsMax: 20)
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

    @Test("What handlers sent before a stop reaches every socket that reads, then its close frame")
    func stopUnderLoad() throws {
        let harness = try Harness(loops: 3) { $0.outboundBytesMax = 0 }
        let count = 6
        // Of the two that each puts mail for, one is of another loop.
        let clients = try (0..<count).map { try harness.connect($0, loop: $0 / 2) }
        let talkers = clients.indices.map { Talker(clients[$0], name: $0, among: count) }
        let slow = try harness.connect(99, loop: 1)
        slow.say("flood 99 400 65536")
        try harness.log.wait { log in
            // Each has said something to each.
            log.eventCount > 3000 && (0..<count).allSatisfy { log.messageCount($0) >= count }
        }
        // The clock stands until all who read have heard all, however slow the machine is.
        let stopper = harness.stopper(.restarting, secondsMax: 2)
        let heard = talkers.map { $0.finish() }
        harness.advance(seconds: 2)
        stopper.wait()
        var expected: [Int: [Int: [String]]] = [:]
        for case .received(let sender, let message) in harness.log.events {
            let words = message.split(separator: " ", maxSplits: 2).map { String($0) }
            guard words.count == 3, let target = Int(words[1]) else { continue }
            expected[target, default: [:]][sender, default: []].append(words[2])
        }
        for name in 0..<count {
            #expect(heard[name].suffix(2) == [.close(1012, ""), .end])
            for sender in 0..<count {
                let texts = heard[name].compactMap { event -> String? in
                    guard case .text(let text) = event, text.hasPrefix("\(sender) ") else {
                        return nil
                    }
                    return text
                }
                let isSame = texts == expected[name]?[sender]
                #expect(isSame, "\(texts.count) of \(expected[name]?[sender]?.count ?? 0)")
            }
        }
        #expect(harness.log.ends(99) == [.closedByUs(.restarting)])
        #expect(try slow.hearAll().count < 400)
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
    func descriptors() async {
        // In a process of its own, since other tests open and close theirs meanwhile.
        await #expect(processExitsWith: .success) {
            try Self.comeAndGo(round: 0)  // Opens what stays open, whoever does it first.
            let before = try Self.openCount()
            for round in 1...100 { try Self.comeAndGo(round: round) }
            #expect(try Self.openCount() == before)
        }
    }

    private static func comeAndGo(round: Int) throws {
        let harness = try Harness(loops: 2)
        let (alive, dead) = (try harness.connect(1), try harness.connect(2, loop: 1))
        dead.reset()
        if round % 2 == 0 { alive.say("close 1 1000") }
        harness.stop()
        _ = try alive.hearAll()
    }

    @Test("What the kernel refused is named, with what to do about it")
    func errors() {
        #expect(SocketLoopError.descriptor(number: EMFILE).description.contains("ulimit -n"))
        #expect(SocketLoopError.descriptor(number: ENOMEM).description.contains("errno 12"))
        #expect(SocketLoopError.thread(number: EAGAIN).description.contains("ulimit -u"))
        #expect(SocketLoopError.thread(number: EAGAIN).code == "socket_loop_thread")
    }

    private static func openCount() throws -> Int {
        let folder = unsafe try #require(unsafe opendir("/proc/self/fd"))
        defer { unsafe closedir(folder) }
        var count = 0
        while unsafe readdir(folder) != nil { count += 1 }
        return count
    }
}
