import Bytes
import Cluster
import Signalling

/// What an operator is told of the rooms of other nodes.
struct ModelList {
    let asker: Incarnation
    /// Which rooms each node has named.
    var rooms: [Incarnation: [UInt8]] = [:]
    var isDone = false
}

extension ModelNet {
    private static let extent = ListingExtent(pageBytesMax: 1, pagesMax: 9, bytesMax: 100)

    mutating func list(_ host: Int) {
        guard isAwake(host), hosts[host].node.standing == .member else { return }
        tick(host)
        guard hosts[host].node.standing == .member else { return }
        let ticket = number()
        lists[ticket] = ModelList(asker: hosts[host].node.incarnation)
        input(host, .list(ticket: ticket, Self.extent))
    }

    /// A page has one room, by its place among all.
    mutating func listHere(
        _ number: UInt64, _ cursor: [UInt8], for other: Incarnation, at host: Int
    ) {
        let first = cursor.first.map { Int($0) + 1 } ?? 0
        let rest = Self.places.indices.dropFirst(first).filter {
            hosts[host].views[Self.places[$0].digest] != nil
        }
        let rooms = rest.prefix(1).map { UInt8($0) }
        let page = ListingPage(rooms: rooms, next: rest.count > 1 ? rooms : [])
        hosts[host].following.append(.listed(number: number, page, for: other))
    }

    mutating func listed(_ ticket: UInt64, _ node: Incarnation, _ rooms: [UInt8]) {
        guard let list = lists[ticket], !list.isDone else {
            faults.append("a page of no list")
            return
        }
        let known = list.rooms[node] ?? []
        if let last = known.last, let next = rooms.first, next <= last {
            faults.append("a room was listed twice")
        }
        lists[ticket]?.rooms[node] = known + rooms
        if !rooms.isEmpty { marks.insert(.listed) }
    }

    mutating func listDone(_ ticket: UInt64, _ silent: [ByteText]) {
        if lists[ticket]?.isDone != false { faults.append("a list ended twice") }
        lists[ticket]?.isDone = true
        guard !silent.isEmpty else { return }
        marks.insert(.unheard)
        if isSmooth { faults.append("nothing happened, and nodes are silent to a list") }
    }
}
