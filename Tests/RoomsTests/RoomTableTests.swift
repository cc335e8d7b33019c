import Identifiers
import Rooms
import Signalling
import TestSupport
import Testing

private func roomKey(_ clientID: ClientID, _ room: RoomName) -> RoomKey {
    RoomKey(clientID: clientID, room: room, RoomHash(key: 1))
}

private let lobby = roomKey("a", "lobby")

/// What became of a join, with the room's index where it is known by it.
private func join(
    _ table: inout RoomTable, _ member: RoomMember, _ key: RoomKey
) -> (room: Int?, outcome: Outcome) {
    var room: Int?
    let outcome = Outcome { () throws(SignalError) in
        let entered = try table.join(member, key)
        room = entered?.room
        return entered?.joined
    }
    return (room, outcome)
}

@Suite struct RoomTableTests {
    @Test("The first to join sees nobody, each later one all before it")
    func others() {
        var table = RoomTable(membersMax: 0)
        #expect(join(&table, classic(5), lobby) == (0, .joined(others: [])))
        #expect(join(&table, classic(3), lobby) == (0, .joined(others: [classic(5, order: 1)])))
        #expect(
            join(&table, classic(4), lobby)
                == (0, .joined(others: [classic(3, order: 2), classic(5, order: 1)])))
        #expect(table.count == 1)
    }

    @Test("Joining twice changes nothing, even over every limit and with another id")
    func twice() throws {
        var table = RoomTable(membersMax: 1)
        _ = try table.join(classic(1), lobby)
        #expect(join(&table, classic(1, peer: "q"), lobby) == (nil, .alreadyMember))
        #expect(table.members(of: lobby) == [classic(1, order: 1)])
    }

    @Test("A room lets no more members in than it may have; one who leaves makes room")
    func full() throws {
        var table = RoomTable(membersMax: 2)
        _ = try table.join(classic(1), lobby)
        _ = try table.join(classic(2), lobby)
        #expect(join(&table, classic(3), lobby) == (nil, .refused(.roomFull)))
        table.leave(ConnectionID(raw: 1), room: 0)
        #expect(join(&table, classic(3), lobby) == (0, .joined(others: [classic(2, order: 2)])))
    }

    @Test("0 means no limit")
    func unlimited() throws {
        var table = RoomTable(membersMax: 0)
        for id in 0..<1000 { _ = try table.join(classic(UInt64(id)), lobby) }
        #expect(table.members(of: lobby).count == 1000)
        #expect(table.address(of: ConnectionID(raw: 999), in: 0) == .classic(999 * 7))
    }

    @Test("Rooms of two clients are different rooms, whatever their names")
    func clients() {
        var table = RoomTable(membersMax: 0)
        let keys = [lobby, roomKey("b", "lobby"), roomKey("a", "blobby"), roomKey("ab", "lobby")]
        for (index, key) in keys.enumerated() {
            #expect(
                join(&table, classic(UInt64(index)), key) == (index, .joined(others: [])))
        }
    }

    @Test("The last to leave takes the room along, and its place is used again")
    func emptied() throws {
        var table = RoomTable(membersMax: 0)
        _ = try table.join(classic(1), lobby)
        table.leave(ConnectionID(raw: 2), room: 0)
        #expect(table.count == 1)
        table.leave(ConnectionID(raw: 1), room: 0)
        table.leave(ConnectionID(raw: 1), room: 0)
        #expect(table.count == 0)
        #expect(table.members(of: lobby).isEmpty)
        #expect(join(&table, classic(1), roomKey("a", "other")) == (0, .joined(others: [])))
        #expect(join(&table, classic(1), lobby) == (1, .joined(others: [])))
    }

    @Test("A member of a room that is opened anew is none of the room before")
    func openedAnew() throws {
        var table = RoomTable(membersMax: 0)
        for order in 1...3 as ClosedRange<UInt64> {
            #expect(try table.join(classic(1), lobby)?.joined.own.order == order)
            table.leave(ConnectionID(raw: 1), room: 0)
        }
    }

    @Test("Only members have an address")
    func addresses() throws {
        var table = RoomTable(membersMax: 0)
        for id in [9, 2, 7, 4] as [UInt64] { _ = try table.join(classic(id), lobby) }
        _ = try table.join(v1(5), lobby)
        for id in 0..<12 as Range<UInt64> {
            let expected: RoomMember.Address? =
                id == 5 ? .v1 : [2, 4, 7, 9].contains(id) ? .classic(id * 7) : nil
            #expect(table.address(of: ConnectionID(raw: id), in: 0) == expected)
        }
    }

    @Test("Who was replaced has no address, no company, and shares nobody's")
    func replaced() throws {
        var table = RoomTable(membersMax: 2)
        _ = try table.join(classic(1, peer: "x"), lobby)
        _ = try table.join(v1(2, subject: "s"), lobby)
        _ = try table.join(v1(5, subject: "s"), lobby)
        let (one, gone) = (ConnectionID(raw: 1), ConnectionID(raw: 2))
        #expect(table.leave(gone, room: 0) == nil)
        #expect(table.address(of: gone, in: 0) == nil)
        #expect(table.address(of: one, in: 0) == .classic(7))
        #expect(table.address(of: one, in: 0, sharedWith: gone) == nil)
        #expect(table.address(of: one, in: 0, sharedWith: ConnectionID(raw: 5)) == .classic(7))
        #expect(table.company(of: gone, in: 0) == nil)
        #expect(table.company(of: one, in: 0)?.others.map(\.connection.raw) == [5])
    }

    @Test("A departure tells who is still there, under the room's own name")
    func departure() throws {
        var table = RoomTable(membersMax: 0)
        let key = roomKey("client", "ÿ room")
        _ = try table.join(v1(1), key)
        _ = try table.join(v1(2, peer: "q"), key)
        let found = table.leave(ConnectionID(raw: 1), room: 0)
        let departure = try #require(found)
        #expect(departure.left.member.connection.raw == 1)
        #expect(departure.left.remaining.map(\.connection.raw) == [2])
        #expect(departure.key.room == "ÿ room" && departure.key.clientID == "client")
        #expect(table.contents.map(\.key) == [key])
    }

    @Test(
        "Thousands of random joins and leaves do what a list of sets would do", arguments: 0..<2000)
    func random(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var table = RoomTable(membersMax: 4)
        var model: [Int: Set<UInt64>] = [:]
        var places: [Int: Int] = [:]
        for _ in 0..<60 {
            let room = Int.random(in: 0..<4, using: &random)
            let id = UInt64.random(in: 0..<6, using: &random)
            let key = roomKey("c", "\(room)")
            if Bool.random(using: &random) {
                let before = model[room, default: []]
                let (place, outcome) = join(&table, classic(id), key)
                switch outcome {
                case .alreadyMember: #expect(before.contains(id))
                case .refused(let error): #expect(error == .roomFull && before.count == 4)
                case .joined(let others, _):
                    #expect(!before.contains(id) && before.count < 4)
                    #expect(others.map(\.connection.raw) == before.sorted())
                    places[room] = place
                    model[room] = before.union([id])
                }
            } else if let place = places[room], model[room]?.contains(id) == true {
                table.leave(ConnectionID(raw: id), room: place)
                model[room]?.remove(id)
            }
            let live = model.filter { !$0.value.isEmpty }
            #expect(table.count == live.count)
            for (room, members) in live {
                let key = roomKey("c", "\(room)")
                #expect(table.members(of: key).map(\.connection.raw) == members.sorted())
            }
        }
    }
}
