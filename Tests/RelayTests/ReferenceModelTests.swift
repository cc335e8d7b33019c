import Admission
import AdmissionSupport
import Relay
import TestSupport
import Testing
import WebSocket

/// Random conversations over several loops, each step compared with what a plain reading of
/// PROTOCOL §2 says.
@Suite struct ReferenceModelTests {
    @Test("Thousands of random sequences of joins, leaves and sends do what the model says")
    func random() throws {
        for seed in 0..<2000 as Range<UInt64> {
            var run = try ModelRun(seed: seed)
            for _ in 0..<40 { try run.step() }
            run.finish()
        }
    }
}

private struct ModelRun {
    private struct Live {
        let peer: Peer
        let client: String
        let id: String?
    }

    private let relay = ClassicHub(
        RelayConfiguration(roomsPerConnectionMax: 2, membersPerRoomMax: 3), loops: 3)
    private var random: SeededGenerator
    private var live: [Live] = []
    /// Members of `client/room`, oldest first.
    private var rooms: [String: [Live]] = [:]

    init(seed: UInt64) throws { random = SeededGenerator(seed: seed) }

    private static func isSame(_ one: Live, _ other: Live) -> Bool {
        one.peer.socket == other.peer.socket
    }

    private mutating func anyone() -> Live? { live.randomElement(using: &random) }

    mutating func step() throws {
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1: try connect()
        case 2: close()
        case 3...6: join()
        default: send()
        }
    }

    private mutating func connect() throws {
        let client = Bool.random(using: &random) ? "a" : "b"
        let loop = Int.random(in: 0..<3, using: &random)
        let id = ["ann", "bob", nil].randomElement(using: &random) ?? nil
        let peer = try relay.connect(client: client, rooms: ["r*"], loop: loop)
        live.append(Live(peer: peer, client: client, id: id))
    }

    private mutating func close() {
        guard let one = anyone() else { return }
        live.removeAll { Self.isSame($0, one) }
        for key in rooms.keys { rooms[key]?.removeAll { Self.isSame($0, one) } }
        #expect(one.peer.close().isEmpty)
    }

    private mutating func join() {
        guard let one = anyone() else { return }
        let room = ["r1", "r2", "r3", "other"].randomElement(using: &random) ?? "r1"
        let key = "\(one.client)/\(room)"
        let others = rooms[key, default: []]
        let actions = one.peer.join(room, id: one.id)
        let joined = rooms.values.filter { $0.contains { Self.isSame($0, one) } }.count
        let isRefused =
            room == "other" || others.contains { Self.isSame($0, one) } || joined >= 2
            || others.count >= 3
        guard !isRefused else {
            #expect(actions.isEmpty)
            return
        }
        rooms[key] = others + [one]
        guard !others.isEmpty else {
            #expect(actions == [one.peer.firstToJoin(room)])
            return
        }
        var expected = others.map {
            $0.peer.someoneJoined(one.peer, id: one.id, ownID: $0.id)
        }
        for other in others where one.id != nil && other.id == one.id {
            expected.append(.probe(other.peer.socket, seconds: 2))
        }
        #expect(actions.count == expected.count)
        #expect(expected.allSatisfy { actions.contains($0) })
    }

    private mutating func send() {
        guard let one = anyone(), let other = anyone() else { return }
        let shares = rooms.values.contains { members in
            members.contains { Self.isSame($0, one) } && members.contains { Self.isSame($0, other) }
        }
        let actions = one.peer.send(#"{"type":"t","n":1}"#, to: other.peer.connection)
        let event = other.peer.delivered(from: one.peer, type: "t", #","type":"t","n":1"#)
        #expect(actions == (shares ? [event] : []))
    }

    mutating func finish() {
        #expect(relay.service.roomCount == rooms.values.filter { !$0.isEmpty }.count)
        #expect(relay.admission.connectionCount == live.count)
        while !live.isEmpty { close() }
        #expect(relay.service.roomCount == 0 && relay.admission.connectionCount == 0)
    }
}
