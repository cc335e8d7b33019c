import Admission
import AdmissionSupport
import Bytes
import Locking
import Relay
import StrictJSON
import Testing
import WebSocket

/// Loops on threads of their own, at the same moment, in the same rooms.
@Suite struct ConcurrencyTests {
    /// What the relay told, all loops together.
    private struct Told: Sendable {
        var firsts: [String] = []
        /// Receiver's socket and joiner's connection.
        var joins: [(receiver: SocketID, joiner: String)] = []

        mutating func note(_ actions: [LoopAction]) throws {
            for case .send(let socket, let text) in actions {
                let event = try JSONValue.parse(Array(text.utf8)).object
                let data = event?["data"]?.object
                if event?["type"] == "first_to_join" {
                    firsts.append(data?["roomId"]?.string?.string ?? "")
                }
                if event?["type"] == "someone_joined" {
                    joins.append((socket, data?["connectionId"]?.string?.string ?? ""))
                }
            }
        }
    }

    private static let loopCount = 4

    /// Gives each of the loops as many admissions as it opens connections.
    ///
    /// - Returns: What was told.
    private func race(
        _ hub: Hub, admitted count: Int,
        _ body: @escaping @Sendable (Loop, ArraySlice<SocketAdmission>) -> Void
    ) throws -> Told {
        let admissions = try (0..<(Self.loopCount * count)).map { _ in
            try #require(hub.admission(token: try hub.world.token(), isV1: false))
        }
        let told = Lock(Told())
        RelayTests.race(hub.service, loops: Self.loopCount) { loop in
            loop.net.asked = []
            body(loop, admissions[(loop.index * count)..<((loop.index + 1) * count)])
            let actions = loop.net.asked ?? []
            try told.withLock { try $0.note(actions) }
        }
        return told.withLock { $0 }
    }

    private static func open(_ admission: SocketAdmission, _ loop: Loop) -> Client {
        let client = Client()
        loop.open(client, admission)
        return client
    }

    @Test(
        "Of peers that join at once, each pair gets one someone_joined, each room one first_to_join"
    )
    func everyPairOnce() throws {
        for _ in 0..<20 {
            let hub = Hub(RelayConfiguration(membersPerRoomMax: 0))
            let roomNames = ["x", "y", "z"]
            let told = try race(hub, admitted: 12) { loop, admissions in
                for admission in admissions {
                    let client = Self.open(admission, loop)
                    for room in roomNames { client.join(room) }
                }
            }
            #expect(told.firsts.sorted() == roomNames)
            // Of n members, the one that joined as k-th heard n - 1 - k joins and was announced k
            // times; connections and sockets are matched by that.
            #expect(told.joins.count == roomNames.count * 48 * 47 / 2)
            var heard: [String: Int] = [:]
            for (receiver, joiner) in told.joins {
                heard["\(receiver.raw) \(joiner)", default: 0] += 1
            }
            #expect(heard.values.allSatisfy { $0 <= roomNames.count })
        }
    }

    @Test("In one room, nobody hears of anybody twice and no two hear of each other")
    func noDoubles() throws {
        for _ in 0..<20 {
            let told = try race(Hub(), admitted: 12) { loop, admissions in
                for admission in admissions {
                    let client = Self.open(admission, loop)
                    client.join("R", id: "\(client.socket.raw)")
                }
            }
            #expect(told.firsts == ["R"])
            #expect(told.joins.count == 48 * 47 / 2)
            let pairs = Set(told.joins.map { "\($0.receiver.raw) \($0.joiner)" })
            #expect(pairs.count == told.joins.count)
            // The k-th to join is announced to k members: 0, 1, 2, … 47, each once.
            var announced: [String: Int] = [:]
            for (_, joiner) in told.joins { announced[joiner, default: 0] += 1 }
            #expect(announced.values.sorted() == Array(1...47))
        }
    }

    @Test(
        "Joins, sends and closes at once leave no ghost, and each join is a first or is announced")
    func churn() throws {
        let hub = Hub(RelayConfiguration(membersPerRoomMax: 0))
        let told = try race(hub, admitted: 300) { loop, admissions in
            var open: [Client] = []
            for (round, admission) in admissions.enumerated() {
                let client = Self.open(admission, loop)
                open.append(client)
                client.join("R")
                client.say(
                    #"{"action":"send-payload","target":"0000000000000001","payload":{}}"#)
                if round % 3 == loop.index % 3 { open.removeFirst().close() }
            }
            for client in open { client.close() }
        }
        let announced = Set(told.joins.map { $0.joiner })
        #expect(announced.count + told.firsts.count == Self.loopCount * 300)
        #expect(hub.service.roomCount == 0 && hub.admission.ledger.total == 0)
    }
}
