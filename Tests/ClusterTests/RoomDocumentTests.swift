import Cluster
import Identifiers
import Rooms
import Signalling
import TestSupport
import Testing

@Suite("A room's document (docs/decisions/0036)")
struct RoomDocumentTests {
    static let epoch = BucketEpoch(createdAt: 7, nonce: .max)

    static func empty() -> RoomDocument {
        RoomDocument(epoch: epoch, clientID: "a", name: "räum", after: 3)
    }

    /// By chance: joins and leaves of both dialects, at three nodes.
    static func document(_ random: inout SeededGenerator, steps: Int) -> RoomDocument {
        var document = empty()
        for _ in 0..<steps {
            let id = UInt64.random(in: 1...20, using: &random)
            let node = Incarnation(raw: UInt64.random(in: 1...3, using: &random))
            if Bool.random(using: &random) {
                let subject: Subject? = id % 3 == 0 ? nil : "a:\(id % 5)"
                let member = RoomMember(
                    connection: ConnectionID(raw: id),
                    route: id % 2 == 0 ? .classic(address: id) : .v1(subject: subject),
                    peerID: PeerID("p\"\(id % 7)"), name: id % 4 == 0 ? "Ann" : nil, joinedAt: 9,
                    isUnclaimed: id % 5 == 0)
                _ = try? document.join(member, at: node, membersMax: 9)
            } else {
                let reason = LeaveReason.allCases.randomElement(using: &random) ?? .left
                document.leave(ConnectionID(raw: id), reason)
            }
        }
        return document
    }

    @Test("What was written is read again")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<300 {
            let steps = Int.random(in: 0...80, using: &random)
            let document = Self.document(&random, steps: steps)
            #expect(try RoomDocument(document.encoded, of: "a", "räum") == document)
            #expect(document.changes.count <= RoomDocument.changesMax)
            #expect(document.seats.count == document.room.members.count)
        }
    }

    @Test("What is cut off or goes on is refused, and so is a room of another name")
    func torn() {
        var random = SeededGenerator(seed: 2)
        let bytes = Self.document(&random, steps: 60).encoded
        for count in bytes.indices {
            #expect(throws: DocumentFault.malformed) {
                try RoomDocument(Array(bytes.prefix(count)))
            }
        }
        #expect(throws: DocumentFault.malformed) { try RoomDocument(bytes + [0]) }
        #expect(throws: DocumentFault.otherRoom) { try RoomDocument(bytes, of: "b", "räum") }
        #expect(throws: DocumentFault.otherRoom) { try RoomDocument(bytes, of: "a", "raum") }
        var other = bytes
        other[2] = 2
        #expect(throws: DocumentFault.unknownFormat) { try RoomDocument(other) }
        #expect(throws: DocumentFault.tooLong) {
            try RoomDocument(bytes + Array(repeating: 0, count: RoomDocument.bytesMax))
        }
    }

    @Test("Nonsense is refused, or read as what it is written as")
    func nonsense() throws {
        var random = SeededGenerator(seed: 3)
        var read = 0
        let documents = (0..<20).map { _ in Self.document(&random, steps: 12).encoded }
        for index in 0..<3000 {
            var bytes = documents[index % documents.count]
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: 2..<bytes.count, using: &random)
                bytes[index] =
                    [0, 1, 0xFF, UInt8.random(in: 0...255, using: &random)]
                    .randomElement(using: &random) ?? 0
            }
            guard let document = try? RoomDocument(bytes) else { continue }
            read += 1
            #expect(document.encoded == bytes)
            var next = document
            let newcomer = RoomMember(
                connection: ConnectionID(raw: 99), route: .classic(address: 0),
                peerID: PeerID("new"))
            let joined = try next.join(newcomer, at: Incarnation(raw: 1))
            #expect(try RoomDocument(next.encoded) == next)
            #expect(joined?.others == document.room.members)
        }
        #expect(read > 100)
    }

    @Test("The first of a room is marked, and who was taken out for another is named")
    func seats() throws {
        var document = Self.empty()
        let (here, there) = (Incarnation(raw: 1), Incarnation(raw: 2))
        func member(_ id: UInt64) -> RoomMember {
            RoomMember(
                connection: ConnectionID(raw: id), route: .v1(subject: "a:x"), peerID: PeerID("p"))
        }
        _ = try document.join(member(1), at: here)
        #expect(document.seats[ConnectionID(raw: 1)] == .init(home: here, isFirst: true))
        let joined = try document.join(member(2), at: there)
        #expect(document.seats[ConnectionID(raw: 2)] == .init(home: there, isFirst: true))
        let replaced = try #require(joined?.replaced)
        #expect(replaced.order == 4 && document.reason(for: replaced) == .replaced)
        #expect(document.nodes == [here, there])
        #expect(try document.join(member(2), at: here) == nil)
    }

    @Test("Members that a bucket lost come back with their orders, and nobody gets these again")
    func restore() throws {
        var document = RoomDocument(epoch: Self.epoch, clientID: "a", name: "r")
        let member = RoomMember(
            connection: ConnectionID(raw: 1), route: .classic(address: 0), peerID: PeerID("p"),
            order: 5)
        let seat = RoomDocument.Seat(home: Incarnation(raw: 1), isFirst: true)
        document.restore([(member, seat)], after: 8)
        document.restore([(member, seat)], after: 2)
        #expect(document.room.members == [member] && document.room.lastOrder == 8)
    }

    @Test("Who was taken out is not given back, nor who comes after its order was given anew")
    func lateRestore() throws {
        func member(_ id: UInt64, _ peer: String, order: UInt64) -> RoomMember {
            RoomMember(
                connection: ConnectionID(raw: id), route: .v1(subject: "a:x"),
                peerID: PeerID(peer), order: order)
        }
        let seat = RoomDocument.Seat(home: Incarnation(raw: 1), isFirst: false)
        let (older, newer) = (member(1, "p", order: 4), member(2, "p", order: 6))
        for members in [[older, newer], [newer, older]] {
            var document = Self.empty()
            for member in members { document.restore([(member, seat)], after: 6) }
            #expect(document.room.members == [newer])
            #expect(document.reason(for: older) == .replaced)
        }
        var left = Self.empty()
        left.restore([(older, seat)], after: 4)
        left.leave(older.connection, .kicked)
        var document = Self.empty()
        document.restore([(older, seat)], after: 4)
        document.restore([], left.changes, after: 4)
        document.restore([(older, seat)], after: 4)
        #expect(document.room.members.isEmpty && document.reason(for: older) == .kicked)

        let joined = try document.join(member(3, "q", order: 0), at: seat.home)
        let late = member(4, "r", order: joined?.own.order ?? 0)
        document.restore([(late, seat)], after: 4)
        #expect(document.room.members.count == 1 && document.hasLeft(late))
        #expect(try RoomDocument(document.encoded) == document)
    }

    @Test("Whether others are to be told something with a join stands in it")
    func sdpFlag() throws {
        var document = Self.empty()
        for id: UInt64 in 1...2 {
            let member = RoomMember(
                connection: ConnectionID(raw: id), route: .classic(address: 0),
                peerID: PeerID("p"))
            _ = try document.join(member, at: Incarnation(raw: 1), hasSDP: id == 2)
        }
        let read = try RoomDocument(document.encoded)
        #expect(read == document)
        #expect(
            read.seats.mapValues(\.hasSDP) == [
                ConnectionID(raw: 1): false, ConnectionID(raw: 2): true,
            ])
    }

    @Test("One of another bucket says nothing of who is there, and its orders are not given again")
    func otherEpoch() {
        var random = SeededGenerator(seed: 4)
        let document = Self.document(&random, steps: 40)
        #expect(document.counted(in: Self.epoch) == document)
        let other = BucketEpoch(createdAt: 8, nonce: .max)
        let counted = document.counted(in: other)
        #expect(counted.epoch == other && counted.room.members.isEmpty)
        #expect(counted.changes.isEmpty && counted.room.lastOrder == document.room.lastOrder)
    }

    @Test("A member that moves stays who it is, and only from where it still is")
    func move() throws {
        var document = Self.empty()
        let nodes = (1...3).map { Incarnation(raw: $0) }
        let member = RoomMember(
            connection: ConnectionID(raw: 1), route: .v1(subject: "a:x"), peerID: PeerID("p"))
        let joined = try document.join(member, at: nodes[0], hasSDP: true)
        let order = try #require(joined?.own.order)
        let before = document
        for (order, old) in [(order, nodes[1]), (order + 1, nodes[0])] {
            let isMoved = document.move(member.connection, order: order, from: old, to: nodes[2])
            #expect(!isMoved && document == before)
        }
        let isMoved = document.move(member.connection, order: order, from: nodes[0], to: nodes[2])
        #expect(isMoved && document.room == before.room && document.changes == before.changes)
        #expect(document.seats[member.connection] == .init(home: nodes[2], isFirst: true))
        #expect(try RoomDocument(document.encoded) == document)
        // Its old home is among them for as long as its join is among the changes.
        #expect(document.nodes == [nodes[0], nodes[2]])
        let isMovedAgain = document.move(
            member.connection, order: order, from: nodes[0], to: nodes[1])
        #expect(!isMovedAgain)
    }
}
