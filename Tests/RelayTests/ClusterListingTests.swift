import Bytes
import Cluster
import Identifiers
import Locking
import Signalling
import Testing

@testable import Relay

/// What an operator at one node is told of the rooms of all (docs/decisions/0038).
@Suite struct ClusterListingTests {
    private let fleet = Fleet(3)

    private final class Heard: Sendable { let value = Lock<ListedRooms?>(nil) }

    /// What an operator at a node is told, after so long.
    private func listing(
        at node: Int, _ extent: ListingExtent = .all, milliseconds: Int64 = 0
    ) throws -> RoomListing {
        let heard = Heard()
        fleet[node].service.list(extent) { listed in heard.value.withLock { $0 = listed } }
        fleet.run()
        fleet.wait(milliseconds: milliseconds)
        let listed = try #require(heard.value.withLock { $0 })
        return fleet[node].service.rooms(with: listed)
    }

    private func names(_ listing: RoomListing) -> [String] {
        listing.rooms.map { room in
            "\(room.room): " + room.members.map(\.peerID).joined(separator: " ")
        }
    }

    private func join(_ node: Int, _ room: String, _ id: String, isV1: Bool = true) throws {
        let client = try fleet[node].connect(subject: isV1 ? id : nil, isV1: isV1)
        client.join(room, id: id)
    }

    @Test("Each room is listed once, whichever node is asked, with the node of each member")
    func everywhere() throws {
        try join(0, "shared", "ann")
        try join(1, "shared", "bob")
        try join(2, "shared", "cat", isV1: false)
        try join(1, "far", "dan")
        try join(2, "lonely", "eve")
        fleet.wait(milliseconds: 2000)
        let homes = (0..<3).map { fleet[$0].service.commons.line?.home }
        for node in 0..<3 {
            let listing = try listing(at: node)
            #expect(names(listing) == ["far: dan", "lonely: eve", "shared: ann bob cat"])
            #expect(listing.silent.isEmpty && !listing.isCut)
            #expect(listing.rooms[2].members.map(\.home) == homes)
            #expect(listing.rooms[0].members.map(\.home) == [homes[1]])
            #expect(fleet[node].service.rooms().contains { $0.room.text == "shared" })
        }
    }

    @Test("Of a node that is silent rooms are told that others share, and its name")
    func silent() throws {
        try join(0, "shared", "ann")
        try join(2, "shared", "cat")
        try join(2, "lonely", "eve")
        fleet.nodes[2].isFrozen = true
        let listing = try listing(at: 0, milliseconds: 2500)
        #expect(names(listing) == ["shared: ann cat"] && listing.silent == ["n2"])
    }

    @Test("A glance shows a page of each node, and says that there is more")
    func glance() throws {
        for number in 0..<9 { try join(1, "room-\(number)", "p\(number)") }
        let extent = ListingExtent(pageBytesMax: 200, pagesMax: 1, bytesMax: .max)
        let some = try listing(at: 0, extent)
        #expect((1..<9).contains(some.rooms.count) && some.isCut && some.silent.isEmpty)
        let all = try listing(
            at: 0, ListingExtent(pageBytesMax: 200, pagesMax: .max, bytesMax: .max))
        #expect(all.rooms.count == 9 && !all.isCut)
        #expect(try listing(at: 0, .glance).rooms.count == 9)
    }

    @Test("Pages that are none make a silent node of whoever sent them")
    func unreadable() throws {
        var listed = ListedRooms()
        listed.pages = [(Incarnation(raw: 5), [1, 2, 3])]
        let listing = fleet[0].service.rooms(with: listed)
        #expect(listing.rooms.isEmpty && listing.silent == ["0000000000000005"])
    }

    @Test("Of two words on one member its own node's counts")
    func merge() throws {
        func room(_ seconds: Int, extra: Bool = false) -> RoomSummary {
            let member = RoomSummary.Member(
                connection: ConnectionID(raw: 1), peerID: "p", name: nil, dialect: .v1,
                seconds: seconds, order: 1, home: Incarnation(raw: 5))
            let other = RoomSummary.Member(
                connection: ConnectionID(raw: 2), peerID: "q", name: nil, dialect: .v1,
                seconds: seconds, order: 2, home: Incarnation(raw: 6))
            return RoomSummary(
                clientID: "c", room: "r", members: extra ? [other, member] : [member])
        }
        var listed = ListedRooms()
        listed.pages = [
            (Incarnation(raw: 6), RoomPage([room(1, extra: true)]).encoded),
            (Incarnation(raw: 5), RoomPage([room(2)]).encoded),
        ]
        for pages in [listed.pages, listed.pages.reversed()] {
            listed.pages = pages
            let members = fleet[0].service.rooms(with: listed).rooms.first?.members ?? []
            #expect(members.map(\.seconds) == [2, 1] && members.map(\.peerID) == ["p", "q"])
        }
    }
}
