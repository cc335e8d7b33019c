import Bytes
import Cluster
import Identifiers
import Rooms
import Signalling
import TestSupport
import Testing

@testable import Relay

/// How a node tells another of its rooms (docs/decisions/0038).
@Suite struct RoomPageTests {
    private static let home = Incarnation(raw: 7)

    private static func member(_ number: Int, name: String? = nil) -> RoomMember {
        RoomMember(
            connection: ConnectionID(raw: UInt64(number)),
            route: number % 2 == 0 ? .classic(address: 1) : .v1(subject: nil),
            peerID: PeerID("p\(number)"), name: name, joinedAt: 5, order: UInt64(number),
            home: number % 3 == 0 ? 9 : 0)
    }

    /// So many rooms of some clients, each with so many members.
    private static func rooms(_ count: Int, members: Int) -> (host: SharedRooms, names: [String]) {
        let (host, hash) = (SharedRooms(membersMax: 0), RoomHash(key: 1))
        var names: [String] = []
        for number in 0..<count {
            let (client, room) = (ClientID("c_\(number % 3)"), RoomName("room-\(number)-é"))
            for one in 1...members {
                _ = host.putBack(
                    member(number * members + one),
                    RoomKey(clientID: client, room: room, hash))
            }
            names.append("\(client) \(room)")
        }
        return (host, names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    }

    private static func pages(of host: SharedRooms, bytesMax: Int) throws -> [RoomPage] {
        var pages: [RoomPage] = []
        var cursor: [UInt8] = []
        repeat {
            let after = try #require(RoomCursor(cursor))
            let page = RoomPage.next(
                of: host, after: after, bytesMax: bytesMax, at: home, second: 12)
            let read = try #require(RoomPage(page.rooms))
            #expect(read.rooms.count <= 1 || page.rooms.count <= bytesMax)
            pages.append(read)
            cursor = page.next
        } while !cursor.isEmpty
        return pages
    }

    @Test("Page by page each room comes once, whole", arguments: [0, 200, 1000, 96 << 10])
    func walk(_ bytesMax: Int) throws {
        let (host, names) = Self.rooms(300, members: 2)
        let pages = try Self.pages(of: host, bytesMax: bytesMax)
        let rooms = pages.flatMap(\.rooms)
        let found = rooms.map { "\($0.clientID) \($0.room)" }
        #expect(found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } == names)
        #expect(bytesMax > 1000 ? pages.count == 1 : pages.count > 30)
        guard bytesMax > 0 else { return }
        #expect(rooms.allSatisfy { $0.members.count == 2 && $0.hiddenMembers == 0 })
    }

    @Test("Of a member its node, its dialect and since when it is there are told")
    func members() throws {
        let (host, _) = Self.rooms(1, members: 3)
        let page = try #require(try Self.pages(of: host, bytesMax: 1000).first)
        let members = try #require(page.rooms.first?.members)
        #expect(members.map(\.peerID) == ["p1", "p2", "p3"])
        #expect(members.map(\.home) == [Self.home, Self.home, Incarnation(raw: 9)])
        #expect(members.map(\.dialect) == [.v1, .classic, .v1])
        #expect(members.allSatisfy { $0.seconds == 7 })
    }

    @Test("A room that is too long for a page is told without some of its members, and how many")
    func longRoom() throws {
        let (host, _) = Self.rooms(2, members: 100)
        for bytesMax in [0, 500, 2000] {
            let rooms = try Self.pages(of: host, bytesMax: bytesMax).flatMap(\.rooms)
            #expect(rooms.count == 2)
            #expect(rooms.allSatisfy { $0.members.count + $0.hiddenMembers == 100 })
            #expect(rooms.allSatisfy { $0.hiddenMembers > 0 })
        }
    }

    @Test("Rooms that come and go meanwhile do no harm to others")
    func changes() throws {
        let (host, _) = Self.rooms(300, members: 1)
        let first = RoomPage.next(
            of: host, after: RoomCursor(), bytesMax: 2000, at: Self.home, second: 0)
        host.removeAll()
        let cursor = try #require(RoomCursor(first.next))
        let rest = RoomPage.next(
            of: host, after: cursor, bytesMax: 2000, at: Self.home, second: 0)
        #expect(RoomPage(rest.rooms)?.rooms == [] && rest.next.isEmpty)
    }

    @Test("What is no cursor of a node is none, and one of another number of tables ends the list")
    func cursors() {
        #expect(RoomCursor([0]) == nil && RoomCursor([0, 0, 2]) == nil)
        #expect(RoomCursor([0, 0, 0, 0]) == nil && RoomCursor([0, 0, 1, 0, 0, 0, 9]) == nil)
        let page = RoomPage.next(
            of: Self.rooms(3, members: 1).host, after: RoomCursor(shard: 65_535), bytesMax: 2000,
            at: Self.home, second: 0)
        #expect(RoomPage(page.rooms)?.rooms == [] && page.next.isEmpty)
    }

    @Test("What is no page is taken for none, and a page has one spelling")
    func hostile() throws {
        let (host, _) = Self.rooms(4, members: 3)
        let page = RoomPage.next(
            of: host, after: RoomCursor(), bytesMax: 1000, at: Self.home, second: 0
        ).rooms
        var random = SeededGenerator(seed: 1)
        for count in page.indices { #expect(RoomPage(Array(page[..<count])) == nil) }
        #expect(RoomPage(page + [0]) == nil)
        for _ in 0..<3000 {
            var bytes = page
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
            if let read = RoomPage(bytes) { #expect(read.encoded == bytes) }
        }
        // So many nobody makes room for.
        #expect(RoomPage([255, 255, 255, 255]) == nil)
    }
}
