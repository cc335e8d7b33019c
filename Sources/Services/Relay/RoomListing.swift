package import Bytes
package import Cluster
internal import Identifiers
internal import Signalling

/// What other nodes of a cluster have said of the rooms that they have.
package struct ListedRooms: Sendable {
    /// `RoomPage`s, not looked at yet.
    package internal(set) var pages: [(node: Incarnation, bytes: [UInt8])] = []
    /// Nodes that have not said all, by name.
    package internal(set) var silent: [ByteText] = []
    /// There is more than was asked for.
    package internal(set) var isCut = false

    package init() {}
}

/// The rooms of all nodes of a cluster.
package struct RoomListing: Equatable, Sendable {
    /// Ordered by client and name.
    package let rooms: [RoomSummary]
    /// Nodes that have not said all that they have, by name: rooms that they alone have are
    /// missing.
    package let silent: [ByteText]
    /// There are more rooms than these.
    package let isCut: Bool

    package init(rooms: [RoomSummary], silent: [ByteText], isCut: Bool) {
        self.rooms = rooms
        self.silent = silent
        self.isCut = isCut
    }
}

extension ListingExtent {
    /// All that there is, within bounds: as JSON it is two or three times as long. Two pages in a
    /// row have more than one may have, so nobody comes to that many before there are too many
    /// bytes.
    package static let all = ListingExtent(
        pageBytesMax: ListingMail.pageBytesMax,
        pagesMax: 2 * allBytesMax / ListingMail.pageBytesMax + 2, bytesMax: allBytesMax)
    private static let allBytesMax = 16 << 20

    /// What a page in a browser shows of each node.
    package static let glance = ListingExtent(
        pageBytesMax: 32 << 10, pagesMax: 1, bytesMax: .max)
}

extension Relay {
    /// Asks the other nodes which rooms they have; `answer` hears on the bus' thread, within the
    /// time that `Timing` has for lists, and not at all where the process ends before.
    package func list(
        _ extent: ListingExtent, answer: @escaping @Sendable (ListedRooms) -> Void
    ) {
        guard let line = commons.line else { return answer(ListedRooms()) }
        line.tell(.list(extent, answer: answer))
        line.knock()
    }

    /// The rooms of this node, and what others have said of theirs.
    package func rooms(with listed: ListedRooms) -> RoomListing {
        var silent = listed.silent
        var all = rooms().map { (said: $0, by: commons.line?.home) }
        for (node, bytes) in listed.pages {
            guard let page = RoomPage(bytes) else {
                silent.append(name(of: node))
                continue
            }
            all += page.rooms.map { ($0, node) }
        }
        all.sort { ($0.said.clientID, $0.said.room) < ($1.said.clientID, $1.said.room) }
        var rooms: [RoomSummary] = []
        rooms.reserveCapacity(all.count)
        var first = 0
        while first < all.count {
            let one = all[first].said
            var end = first + 1
            while end < all.count, all[end].said.isSame(room: one) { end += 1 }
            rooms.append(end - first == 1 ? one : RoomSummary(merging: all[first..<end]))
            first = end
        }
        return RoomListing(rooms: rooms, silent: silent.uniqued().sorted(), isCut: listed.isCut)
    }

    private func name(of node: Incarnation) -> ByteText {
        clusterFigures?.roster.first { $0.incarnation == node }?.name ?? ByteText(node.text)
    }
}

extension RoomSummary {
    fileprivate func isSame(room other: RoomSummary) -> Bool {
        clientID == other.clientID && room == other.room
    }

    /// What several nodes say of one room, which are some: of a member its own node's word counts.
    fileprivate init(merging all: ArraySlice<(said: RoomSummary, by: Incarnation?)>) {
        var members: [ConnectionID: Member] = [:]
        var hidden = 0
        for (said, node) in all {
            hidden = max(hidden, said.hiddenMembers + said.members.count)
            for member in said.members
            where members[member.connection] == nil || member.home == node {
                members[member.connection] = member
            }
        }
        let first = all[all.startIndex].said
        self.init(
            clientID: first.clientID, room: first.room,
            members: members.values.sorted {
                ($0.order, $0.connection) < ($1.order, $1.connection)
            },
            hiddenMembers: max(0, hidden - members.count))
    }
}
