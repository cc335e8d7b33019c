import Signalling
import Testing

private let lobby = RoomKey(clientID: "a", room: "lobby")

/// A classic member; `order` tells as how many-eth it joined.
private func member(_ id: UInt64, peer: String = "p", order: UInt64 = 0) -> RoomMember {
    RoomMember(
        connection: ConnectionID(raw: id), route: .classic(address: id &* 7), peerID: PeerID(peer),
        order: order)
}

/// What became of a join, without the joiner's own entry.
private enum Joined: Equatable {
    case joined(room: Int, others: [RoomMember])
    case alreadyMember
    case refused(SignalError)
}

private func join(
    _ table: inout RoomTable, _ member: RoomMember, _ key: RoomKey, roomsJoined: Int
) -> Joined {
    switch table.join(member, key, roomsJoined: roomsJoined) {
    case .joined(_, let room, let others, _): .joined(room: room, others: others)
    case .alreadyMember: .alreadyMember
    case .refused(let error): .refused(error)
    }
}

@Suite struct RoomTableTests {
    @Test("The first to join sees nobody, each later one all before it")
    func others() {
        var table = RoomTable(limits: RoomLimits())
        #expect(join(&table, member(5), lobby, roomsJoined: 0) == .joined(room: 0, others: []))
        #expect(
            join(&table, member(3), lobby, roomsJoined: 0)
                == .joined(room: 0, others: [member(5, order: 1)]))
        #expect(
            join(&table, member(4), lobby, roomsJoined: 0)
                == .joined(room: 0, others: [member(3, order: 2), member(5, order: 1)]))
        #expect(table.count == 1)
    }

    @Test("Joining twice changes nothing, even over every limit and with another id")
    func twice() {
        let limits = RoomLimits(roomsPerConnectionMax: 1, membersPerRoomMax: 1)
        var table = RoomTable(limits: limits)
        _ = table.join(member(1), lobby, roomsJoined: 0)
        #expect(table.join(member(1, peer: "q"), lobby, roomsJoined: 1) == .alreadyMember)
        #expect(table.members(of: lobby) == [member(1, order: 1)])
    }

    @Test("A room lets no more members in than it may have; one who leaves makes room")
    func full() {
        var table = RoomTable(limits: RoomLimits(membersPerRoomMax: 2))
        _ = table.join(member(1), lobby, roomsJoined: 0)
        _ = table.join(member(2), lobby, roomsJoined: 0)
        #expect(join(&table, member(3), lobby, roomsJoined: 0) == .refused(.roomFull))
        table.leave(ConnectionID(raw: 1), room: 0)
        #expect(
            join(&table, member(3), lobby, roomsJoined: 0)
                == .joined(room: 0, others: [member(2, order: 2)]))
    }

    @Test("A connection that is in as many rooms as it may be enters no other")
    func tooMany() {
        var table = RoomTable(limits: RoomLimits(roomsPerConnectionMax: 2))
        #expect(join(&table, member(1), lobby, roomsJoined: 2) == .refused(.tooManyRooms))
        #expect(table.count == 0)
        #expect(join(&table, member(1), lobby, roomsJoined: 1) == .joined(room: 0, others: []))
    }

    @Test("0 means no limit")
    func unlimited() {
        var table = RoomTable(
            limits: RoomLimits(roomsPerConnectionMax: 0, membersPerRoomMax: 0))
        for id in 0..<1000 { _ = table.join(member(UInt64(id)), lobby, roomsJoined: 10_000) }
        #expect(table.members(of: lobby).count == 1000)
        #expect(table.address(of: ConnectionID(raw: 999), in: 0) == .classic(999 * 7))
    }

    @Test("Rooms of two clients are different rooms, whatever their names")
    func clients() {
        var table = RoomTable(limits: RoomLimits())
        let keys = [("a", "lobby"), ("b", "lobby"), ("a", "blobby"), ("ab", "lobby")]
        for (index, (client, room)) in keys.enumerated() {
            let key = RoomKey(clientID: client, room: room)
            #expect(
                join(&table, member(UInt64(index)), key, roomsJoined: 0)
                    == .joined(room: index, others: []))
        }
    }

    @Test("The last to leave takes the room along, and its place is used again")
    func emptied() {
        var table = RoomTable(limits: RoomLimits())
        _ = table.join(member(1), lobby, roomsJoined: 0)
        table.leave(ConnectionID(raw: 2), room: 0)
        #expect(table.count == 1)
        table.leave(ConnectionID(raw: 1), room: 0)
        table.leave(ConnectionID(raw: 1), room: 0)
        #expect(table.count == 0)
        #expect(table.members(of: lobby).isEmpty)
        let other = RoomKey(clientID: "a", room: "other")
        #expect(join(&table, member(1), other, roomsJoined: 0) == .joined(room: 0, others: []))
        #expect(join(&table, member(1), lobby, roomsJoined: 1) == .joined(room: 1, others: []))
    }

    @Test("Only members have an address")
    func addresses() {
        var table = RoomTable(limits: RoomLimits())
        for id in [9, 2, 7, 4] as [UInt64] { _ = table.join(member(id), lobby, roomsJoined: 0) }
        for id in 0..<12 as Range<UInt64> {
            let expected: RoomTable.Address? =
                [2, 4, 7, 9].contains(id) ? .classic(id * 7) : nil
            #expect(table.address(of: ConnectionID(raw: id), in: 0) == expected)
        }
    }

    @Test("Thousands of random joins and leaves do what a list of sets would do")
    func random() {
        for seed in 0..<2000 as Range<UInt64> { runAgainstModel(seed: seed) }
    }

    private func runAgainstModel(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var table = RoomTable(limits: RoomLimits(membersPerRoomMax: 4))
        var model: [Int: Set<UInt64>] = [:]
        var places: [Int: Int] = [:]
        for _ in 0..<60 {
            let room = Int.random(in: 0..<4, using: &random)
            let id = UInt64.random(in: 0..<6, using: &random)
            let key = RoomKey(clientID: "c", room: String(room))
            if Bool.random(using: &random) {
                let before = model[room, default: []]
                switch table.join(member(id), key, roomsJoined: 0) {
                case .alreadyMember: #expect(before.contains(id))
                case .refused(let error): #expect(error == .roomFull && before.count == 4)
                case .joined(_, let place, let others, _):
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
                let key = RoomKey(clientID: "c", room: String(room))
                #expect(table.members(of: key).map(\.connection.raw) == members.sorted())
            }
        }
    }
}
