import Admission
import AdmissionSupport
import Cluster
import Glibc
import Locking
import TestSupport
import Testing

@testable import Relay

/// The relay's loops and the thread of the bus at the same moment, in the same rooms and sessions:
/// nothing deadlocks, and nothing is left.
@Suite struct ClusterConcurrencyTests {
    @Test("Joins, leaves, broadcasts, losses, resumes and replacements at once, at a node")
    func churn() throws {
        let line = BusLine()
        let hub = Hub(
            RelayConfiguration(membersPerRoomMax: 0),
            limits: AdmissionConfiguration(connectionsPerSubjectMax: 0), line: line)
        let (admission, service) = (hub.admission, hub.service)
        let mailboxes = (0..<4).map { _ in Mailbox() }
        let bus = BusThread(line)
        let thread = TestThread { bus.run(service, mailboxes) }
        bus.waitFor { $0.isMember }
        let tokens = try (0..<800).map { try hub.world.token(subject: "s\($0 % 7)") }
        let lost = Lock(V1ConcurrencyTests.Lost())
        race(service, loops: 4, mailboxes) { loop in
            var random = SeededGenerator(seed: UInt64(loop.index))
            for token in tokens[(loop.index * 200)..<((loop.index + 1) * 200)] {
                let request = handshake(
                    "token=\(token)", [("Sec-WebSocket-Protocol", "usher.v1")])
                guard let admitted = admission.admit(request, fromCookie: false).admission else {
                    continue
                }
                V1ConcurrencyTests.step(loop, admitted, lost, &random)
            }
            for client in V1ConcurrencyTests.open(loop) { client.close() }
            // The bus may still tell something, then the time of all is over.
            for _ in 0..<70 {
                bus.waitFor { $0.isQuiet }
                loop.advance(seconds: 1)
                loop.tick()
                V1ConcurrencyTests.turn(loop)
            }
        }
        bus.waitFor { $0.isQuiet }
        bus.end()
        thread.wait()
        #expect(admission.ledger.total == 0)
        #expect(service.roomCount == 0)
        // Those that were replaced when their loop had ended wait for it.
        #expect(service.sessionCount < 10)
        #expect(service.clusterFigures?.unanswered == 0)
    }
}

/// What speaks for the one node of a cluster, on a thread of its own.
private final class BusThread: Sendable {
    struct State: Sendable {
        var isMember = false
        /// All that was told has been heard, and answered.
        fileprivate let line: BusLine
        var isQuiet: Bool { line.isQuiet && !isBusy }
        fileprivate var isBusy = false
        fileprivate var isOver = false
    }

    private let state: Lock<State>

    init(_ line: BusLine) { state = Lock(State(line: line)) }

    func waitFor(_ condition: (State) -> Bool) {
        // Not for ever: then what is expected after it fails.
        for _ in 0..<20_000 where !state.withLock({ condition($0) }) { usleep(100) }
    }

    func end() { state.withLock { $0.isOver = true } }

    func run(_ service: Relay, _ mailboxes: [Mailbox]) {
        let bus = InMemoryBus()
        let end = bus.join()
        var output = InMemoryOutput(bus: bus, end: end)
        var handler = service.makeClusterHandler(
            ClusterNode(
                ClusterNode.Configuration(nodeName: "one", alike: [], membersPerRoomMax: 0),
                Incarnation(raw: 1)),
            ClusterPorts(
                tellLoop: { mailboxes[$1].post([.note($0)]) },
                tellLoops: { note in for mailbox in mailboxes { mailbox.post([.note(note)]) } },
                stands: { [unowned self] standing in
                    state.withLock { $0.isMember = standing == .member }
                }),
            PostOutput(mailboxes) { 7000 })
        while true {
            let (isMember, isOver) = state.withLock { state in
                state.isBusy = true
                return (state.isMember, state.isOver)
            }
            if isOver { break }
            if !isMember { output.monotonicMilliseconds += 100 }
            handler.ticked(&output)
            handler.told(ClusterKnock(), &output)
            handler.turnEnded(&output)
            while !bus.isQuiet(end) {
                bus.answer()
                for event in bus.events(of: end) { handler.heard(event, &output) }
                handler.turnEnded(&output)
            }
            state.withLock { $0.isBusy = false }
            usleep(50)
        }
    }
}
