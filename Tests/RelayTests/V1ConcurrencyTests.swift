import Admission
import AdmissionSupport
import Locking
import Relay
import TestSupport
import Testing
import WebSocket

/// v1 sessions on loops on threads of their own, at the same moment, in the same rooms: whatever
/// the threads do to one another's sessions, nothing deadlocks and nothing is left.
@Suite struct V1ConcurrencyTests {
    /// Sessions whose sockets are gone, or are about to be taken over.
    struct Lost: Sendable {
        var sessions: [(secret: String, seq: Int)] = []
    }

    /// Little enough for sessions to give way to others all the time.
    private static let tight = RelayConfiguration(detachedBytesMax: 60_000, heldBytesMax: 80_000)

    @Test(
        "Joins, leaves, broadcasts, losses, resumes and replacements at once leave nothing behind",
        arguments: [(RelayConfiguration(), 0), (tight, 12)])
    func churn(configuration: RelayConfiguration, subjectMax: Int) throws {
        var configuration = configuration
        configuration.membersPerRoomMax = 0
        let limits = AdmissionConfiguration(connectionsPerSubjectMax: subjectMax)
        let hub = Hub(configuration, limits: limits)
        let (admission, service) = (hub.admission, hub.service)
        let tokens = try (0..<1600).map { try hub.world.token(subject: "s\($0 % 7)") }
        let lost = Lock(Lost())
        race(service, loops: 4) { loop in
            var random = SeededGenerator(seed: UInt64(loop.index))
            for token in tokens[(loop.index * 400)..<((loop.index + 1) * 400)] {
                let request = handshake(
                    "token=\(token)", [("Sec-WebSocket-Protocol", "usher.v1")])
                if let admitted = admission.admit(request, fromCookie: false).admission {
                    Self.step(loop, admitted, lost, &random)
                } else {  // Makes room; which one gives way does not matter.
                    Self.open(loop).first?.close()
                    Self.turn(loop)
                }
            }
            for client in Self.open(loop) { client.close() }
            // Others may still nudge; then the grace of all is over.
            for _ in 0..<40 {
                loop.advance(seconds: 1)
                loop.tick()
                Self.turn(loop)
            }
        }
        #expect(admission.ledger.total == 0)
        #expect(service.sessionCount == 0 && service.roomCount == 0)
        #expect(service.heldBytes == 0)
        guard subjectMax > 0 else { return }
        #expect((service.figures.ended[.connections] ?? 0) > 0)
        #expect((service.figures.ended[.bytesOfClient] ?? 0) > 0)
    }

    static func open(_ loop: Loop) -> [Client] { loop.net.clients.values.filter(\.isOpen) }

    static func turn(_ loop: Loop) {
        loop.collect()
        loop.endTurn()
    }

    static func step(
        _ loop: Loop, _ admission: SocketAdmission, _ lost: borrowing Lock<Lost>,
        _ random: inout SeededGenerator
    ) {
        let client = Client()
        loop.open(client, admission)
        turn(loop)
        if let other = lost.withLock({ $0.sessions.popLast() }), Bool.random(using: &random) {
            client.resume(other.secret, after: other.seq)
            turn(loop)
        }
        for client in open(loop).shuffled(using: &random).prefix(4) {
            let room = ["R", "S"].randomElement(using: &random) ?? "R"
            let id = client.socket.raw % 5
            let text = [
                #"{"action":"join-room","roomId":"\#(room)","name":"n","id":"\#(id)"}"#,
                #"{"action":"leave-room","roomId":"\#(room)","ack":1}"#,
                #"{"action":"broadcast","roomId":"\#(room)","payload":{"a":1},"ack":2}"#,
                #"{"action":"join-room","roomId":"\#(room)","name":"n"}"#,
            ].randomElement(using: &random)
            client.say(text ?? "{}")
        }
        turn(loop)
        if let client = open(loop).randomElement(using: &random) {
            lost.withLock { $0.sessions.append((client.secret, client.seq)) }
            // Half of them are resumed while the old socket is still open.
            if Bool.random(using: &random) { client.close() }
        }
        turn(loop)
    }
}
