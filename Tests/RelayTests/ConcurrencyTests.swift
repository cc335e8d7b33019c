import Admission
import AdmissionSupport
import Bytes
import Dispatch
import Locking
import Relay
import StrictJSON
import Synchronization
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

    /// Runs `body` once a loop, all at the same time, and returns what was told.
    private func race(
        _ relay: ClassicHub,
        _ body: @escaping @Sendable (Int, FakeLoop) throws -> Void
    ) throws -> Told {
        let told = Lock(Told())
        let failures = Lock(0)
        let waiting = Atomic(Self.loopCount)
        let service = relay.service
        DispatchQueue.concurrentPerform(iterations: Self.loopCount) { index in
            let loop = FakeLoop(service, index: index)
            waiting.subtract(1, ordering: .relaxed)
            // Not for ever: a machine may run fewer threads at once than there are loops.
            for _ in 0..<100_000 where waiting.load(ordering: .relaxed) > 0 {}
            do {
                try body(index, loop)
                let actions = loop.take()
                try told.withLock { try $0.note(actions) }
            } catch {
                failures.withLock { $0 += 1 }
            }
        }
        #expect(failures.withLock { $0 } == 0)
        return told.withLock { $0 }
    }

    @Test(
        "Of peers that join at once, each pair gets one someone_joined, each room one first_to_join"
    )
    func everyPairOnce() throws {
        for _ in 0..<20 {
            let relay = ClassicHub(RelayConfiguration(membersPerRoomMax: 0))
            let roomNames = ["x", "y", "z"]
            let perLoop = 12
            let admissions = try (0..<(Self.loopCount * perLoop)).map { _ in
                try relay.admission()
            }
            let sockets = Lock<[SocketID]>([])
            let told = try race(relay) { index, loop in
                for number in 0..<perLoop {
                    let socket = loop.open(admissions[index * perLoop + number])
                    sockets.withLock { $0.append(socket) }
                    for room in roomNames {
                        loop.receive(#"{"action":"join-room","roomId":"\#(room)"}"#, from: socket)
                    }
                }
            }
            #expect(told.firsts.sorted() == roomNames)
            try expectEveryPairOnce(told, sockets.withLock { $0 }, rooms: roomNames.count)
        }
    }

    /// Connections and sockets are matched by how often each hears and is heard of: with n members,
    /// the one that joined as k-th heard n - 1 - k joins and was announced k times.
    private func expectEveryPairOnce(_ told: Told, _ sockets: [SocketID], rooms: Int) throws {
        let count = sockets.count
        #expect(told.joins.count == rooms * count * (count - 1) / 2)
        var heard: [String: Int] = [:]
        for (receiver, joiner) in told.joins { heard["\(receiver.raw) \(joiner)", default: 0] += 1 }
        #expect(heard.values.allSatisfy { $0 <= rooms })
    }

    @Test("In one room, nobody hears of anybody twice and no two hear of each other")
    func noDoubles() throws {
        for _ in 0..<20 {
            let relay = ClassicHub()
            let admissions = try (0..<48).map { _ in try relay.admission() }
            let told = try race(relay) { index, loop in
                for number in 0..<12 {
                    let socket = loop.open(admissions[index * 12 + number])
                    loop.receive(
                        #"{"action":"join-room","roomId":"R","id":"\#(socket.raw)"}"#, from: socket)
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
        let relay = ClassicHub(RelayConfiguration(membersPerRoomMax: 0))
        let rounds = 300
        let admissions = try (0..<(Self.loopCount * rounds)).map { _ in try relay.admission() }
        let told = try race(relay) { index, loop in
            var open: [SocketID] = []
            for round in 0..<rounds {
                let socket = loop.open(admissions[index * rounds + round])
                open.append(socket)
                loop.receive(#"{"action":"join-room","roomId":"R"}"#, from: socket)
                loop.receive(
                    #"{"action":"send-payload","target":"0000000000000001","payload":{}}"#,
                    from: socket)
                if round % 3 == index % 3, let first = open.first {
                    loop.close(first)
                    open.removeFirst()
                }
            }
            for socket in open { loop.close(socket) }
        }
        let announced = Set(told.joins.map { $0.joiner })
        #expect(announced.count + told.firsts.count == Self.loopCount * rounds)
        #expect(relay.service.roomCount == 0 && relay.admission.connectionCount == 0)
    }
}
