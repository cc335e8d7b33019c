import Identifiers
import Rooms
import Signalling
import Testing

/// Rooms that are kept elsewhere, as a table knows them (docs/architecture.md §14).
@Suite("A room that is decided elsewhere") struct SharedTableTests {
    private let key = RoomKey(clientID: "a", room: "lobby", RoomHash(key: 1))

    private func there(_ id: UInt64, order: UInt64, joinedAt: UInt32 = 0) -> RoomMember {
        RoomMember(
            connection: ConnectionID(raw: id), route: .v1(subject: nil), peerID: PeerID("\(id)"),
            joinedAt: joinedAt, order: order, home: 77)
    }

    private func room(_ members: [RoomMember]) -> Room { Room(members) }
    private func id(_ raw: UInt64) -> ConnectionID { ConnectionID(raw: raw) }

    @Test("It is there for as long as a member of this process is in it, under one index")
    func life() {
        var table = RoomTable(membersMax: 1)
        table.replace(key, with: room([there(1, order: 1)]))
        #expect(table.count == 0 && table.index(of: key, with: id(1)) == nil)
        table.replace(key, with: room([there(1, order: 1), v1(2, order: 2)]))
        let index = table.index(of: key, with: id(2))
        #expect(index != nil && table.count == 1)
        table.replace(key, with: room([v1(2, order: 2), classic(3, order: 3)]))
        #expect(table.index(of: key, with: id(3)) == index)
        #expect(table.index(of: key, with: id(1)) == nil)
        table.forget(id(2), key)
        #expect(table.members(of: key).map(\.connection) == [id(3)])
        table.forget(id(3), key)
        #expect(table.count == 0)
        table.replace(key, with: room([v1(2, order: 2)]))
        table.replace(key, with: Room())
        #expect(table.count == 0)
        table.forget(id(2), key)
        table.replace(key, with: room([v1(2, order: 2)]))
        table.removeAll()
        #expect(table.count == 0 && table.contents.isEmpty)
    }

    @Test("Members are reached here, elsewhere, or nowhere once they are leaving")
    func addresses() throws {
        var table = RoomTable(membersMax: 0)
        table.replace(
            key, with: room([there(1, order: 1), v1(2, order: 2), classic(3, order: 3)]))
        let index = try #require(table.index(of: key, with: id(2)))
        #expect(table.address(of: id(1), in: index) == .elsewhere(77))
        #expect(table.address(of: id(2), in: index) == .v1)
        #expect(table.address(of: id(3), in: index) == .classic(21))
        table.noteLeaving(id(2), room: index)
        #expect(table.address(of: id(2), in: index) == .nowhere)
        #expect(table.members(of: key).map(\.isElsewhere) == [true, false, false])
        #expect(table.members(of: key).map(\.isV1) == [true, true, false])
    }

    @Test("Who has come from elsewhere is reached over the bus first, then while that is busy")
    func landing() throws {
        var table = RoomTable(membersMax: 0)
        let member = { (home: UInt64) in
            RoomMember(
                connection: id(2), route: .v1(subject: nil), peerID: PeerID("p"), order: 1,
                home: home)
        }
        table.replace(key, with: room([member(RoomMember.arrivingHome)]))
        let index = try #require(table.index(of: key, with: id(2)))
        #expect(table.address(of: id(2), in: index) == .arriving)
        #expect(table.members(of: key)[0].isOverBus(whileBusy: false))
        // That it is here is known before it is shown so.
        table.noteLanded(id(2), key)
        #expect(table.address(of: id(2), in: index) == .arriving)
        table.replace(key, with: room([member(RoomMember.landingHome)]))
        #expect(table.address(of: id(2), in: index) == .landing)
        #expect([true, false].map(table.members(of: key)[0].isOverBus) == [true, false])
        table.noteLanded(id(2), key)
        #expect(table.address(of: id(2), in: index) == .v1)
        #expect(!table.members(of: key)[0].isElsewhere)
    }

    @Test("A new version keeps who is leaving, and since when others are known, if they stayed")
    func kept() throws {
        var table = RoomTable(membersMax: 0)
        table.replace(key, with: room([there(1, order: 1, joinedAt: 5), v1(2, order: 2)]))
        let index = try #require(table.index(of: key, with: id(2)))
        table.noteLeaving(id(2), room: index)
        table.replace(
            key,
            with: room([there(1, order: 1, joinedAt: 9), v1(2, order: 2), v1(4, order: 4)]))
        #expect(table.address(of: id(2), in: index) == .nowhere)
        #expect(table.member(id(1), room: index)?.joinedAt == 5)
        // Who came back is another stay.
        table.replace(
            key,
            with: room([there(1, order: 6, joinedAt: 9), v1(2, order: 5), v1(4, order: 4)]))
        #expect(table.address(of: id(2), in: index) == .v1)
        #expect(table.member(id(1), room: index)?.joinedAt == 9)
    }
}
