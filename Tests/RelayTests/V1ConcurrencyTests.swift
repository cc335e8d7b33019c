import Admission
import AdmissionSupport
import Bytes
import Dispatch
import Locking
import Relay
import StrictJSON
import TestSupport
import Testing
import WebSocket

/// v1 sessions on loops on threads of their own, at the same moment, in the same rooms: whatever
/// the threads do to one another's sessions, nothing deadlocks and nothing is left.
@Suite struct V1ConcurrencyTests {
    private static let loopCount = 4

    /// Secrets of sessions whose sockets are gone, or are about to be taken over.
    private struct Lost: Sendable {
        var sessions: [(secret: String, seq: UInt64)] = []
    }

    /// What one loop's sockets were told; mail for others is left to a `Post`.
    private struct Post: Sendable {
        var nudges: [SocketID] = []
        var closes: [(SocketID, CloseCode)] = []
    }

    private final class Mail: Sendable {
        let boxes = (0..<V1ConcurrencyTests.loopCount).map { _ in Box() }
        final class Box: Sendable { let post = Lock(Post()) }
    }

    /// One thread's loop, its sockets and what each was told last.
    private final class Worker {
        let loop: FakeLoop
        let mail: Mail
        var secrets: [SocketID: String] = [:]
        var seqs: [SocketID: UInt64] = [:]
        /// What a socket's resume asked for.
        var asked: [SocketID: UInt64] = [:]
        var isOrdered = true

        init(_ loop: FakeLoop, _ mail: Mail) {
            self.loop = loop
            self.mail = mail
        }

        /// Delivers this loop's mail, and posts what is for others.
        func settle() {
            let post = mail.boxes[loop.index].post.withLock { post in
                defer { post = Post() }
                return post
            }
            for socket in post.nudges where secrets[socket] != nil { loop.nudge(socket) }
            for (socket, code) in post.closes { close(socket, .closedByUs(code)) }
            var actions = loop.take()
            while !actions.isEmpty {
                for action in actions { perform(action) }
                actions = loop.take()
            }
        }

        private func perform(_ action: LoopAction) {
            switch action {
            case .send(let socket, let text): note(text, socket)
            case .nudge(let socket) where socket.loop == loop.index:
                if secrets[socket] != nil { loop.nudge(socket) }
            case .nudge(let socket):
                mail.boxes[socket.loop].post.withLock { $0.nudges.append(socket) }
            case .close(let socket, let code) where socket.loop == loop.index:
                close(socket, .closedByUs(code))
            case .close(let socket, let code):
                mail.boxes[socket.loop].post.withLock { $0.closes.append((socket, code)) }
            case .probe, .postNow: break
            }
        }

        /// Numbers must have no gap, whichever thread an event came from.
        private func note(_ text: String, _ socket: SocketID) {
            let event = try? JSONValue.parse(Array(text.utf8)).object
            if let session = event?["data"]?.object?["session"]?.string?.string {
                secrets[socket] = session
                if event?["type"] == "resumed" { seqs[socket] = asked[socket] }
                return
            }
            let seq = UInt64(event?["seq"]?.int64 ?? 0)
            if seq != seqs[socket, default: 0] + 1 { isOrdered = false }
            seqs[socket] = seq
        }

        /// Makes room; which one does not matter.
        func closeOne() {
            if let socket = secrets.keys.first { close(socket, .lost) }
            settle()
        }

        func close(_ socket: SocketID, _ end: SocketEnd) {
            guard secrets[socket] != nil else { return }
            secrets[socket] = nil
            loop.close(socket, end)
        }
    }

    /// Little enough for sessions to give way to others all the time.
    private static let tight = RelayConfiguration(detachedBytesMax: 60_000, heldBytesMax: 80_000)

    @Test(
        "Joins, leaves, broadcasts, losses, resumes and replacements at once leave nothing behind",
        arguments: [(RelayConfiguration(), 0), (tight, 12)])
    func churn(configuration: RelayConfiguration, subjectMax: Int) throws {
        let world = World()
        var configuration = configuration
        configuration.membersPerRoomMax = 0
        let limits = AdmissionConfiguration(connectionsPerSubjectMax: subjectMax)
        let (admission, service) = world.services(configuration, limits)
        let rounds = 400
        let tokens = try (0..<(Self.loopCount * rounds)).map { number in
            try world.token(subject: "s\(number % 7)")
        }
        let mail = Mail()
        let lost = Lock(Lost())
        let isOrdered = Lock(true)
        DispatchQueue.concurrentPerform(iterations: Self.loopCount) { index in
            let worker = Worker(FakeLoop(service, index: index), mail)
            var random = SeededGenerator(seed: UInt64(index))
            for round in 0..<rounds {
                let request = handshake(
                    "token=\(tokens[index * rounds + round])",
                    [("Sec-WebSocket-Protocol", "usher.v1")])
                guard let admitted = admission.admit(request, fromCookie: false).admission else {
                    worker.closeOne()
                    continue
                }
                Self.step(worker, admitted, lost, &random)
            }
            for socket in Array(worker.secrets.keys) { worker.close(socket, .lost) }
            // Others may still nudge; then the grace of all is over.
            for _ in 0..<40 {
                worker.loop.advance(seconds: 1)
                worker.loop.tick()
                worker.settle()
            }
            if !worker.isOrdered { isOrdered.withLock { $0 = false } }
        }
        #expect(isOrdered.withLock { $0 })
        #expect(admission.connectionCount == 0)
        #expect(service.sessionCount == 0 && service.roomCount == 0)
        #expect(service.heldBytes == 0)
        guard subjectMax > 0 else { return }
        #expect((service.figures.ended[.connections] ?? 0) > 0)
        #expect((service.figures.ended[.bytesOfClient] ?? 0) > 0)
    }

    private static func step(
        _ worker: Worker, _ admission: SocketAdmission, _ lost: borrowing Lock<Lost>,
        _ random: inout SeededGenerator
    ) {
        let loop = worker.loop
        let socket = loop.open(admission)
        worker.settle()
        if let other = lost.withLock({ $0.sessions.popLast() }), Bool.random(using: &random) {
            worker.asked[socket] = other.seq
            loop.receive(
                #"{"action":"resume","session":"\#(other.secret)","seq":\#(other.seq)}"#,
                from: socket)
            worker.settle()
        }
        for socket in worker.secrets.keys.shuffled(using: &random).prefix(4) {
            let room = ["R", "S"].randomElement(using: &random) ?? "R"
            let text = [
                #"{"action":"join-room","roomId":"\#(room)","name":"n","id":"\#(socket.raw % 5)"}"#,
                #"{"action":"leave-room","roomId":"\#(room)","ack":1}"#,
                #"{"action":"broadcast","roomId":"\#(room)","payload":{"a":1},"ack":2}"#,
                #"{"action":"join-room","roomId":"\#(room)","name":"n"}"#,
            ].randomElement(using: &random)
            loop.receive(text ?? "{}", from: socket)
        }
        worker.settle()
        for socket in worker.secrets.keys.shuffled(using: &random).prefix(1) {
            let one = (worker.secrets[socket] ?? "", worker.seqs[socket, default: 0])
            lost.withLock { $0.sessions.append(one) }
            // Half of them are resumed while the old socket is still open.
            if Bool.random(using: &random) { worker.close(socket, .lost) }
        }
        worker.settle()
    }
}
