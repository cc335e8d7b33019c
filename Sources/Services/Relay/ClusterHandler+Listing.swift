internal import Cluster

/// Who hears what other nodes have, and what they have said so far.
struct PendingListing {
    let answer: @Sendable (ListedRooms) -> Void
    var listed = ListedRooms()
}

// Rooms of all nodes, for an operator: pages are made here, and read by whoever asked.
extension ClusterHandler where Sockets: ~Copyable {
    mutating func list(
        _ extent: ListingExtent, _ answer: @escaping @Sendable (ListedRooms) -> Void
    ) {
        let ticket = line.makeTicket()
        listings[ticket] = PendingListing(answer: answer)
        inputs.append(.list(ticket: ticket, extent))
    }

    mutating func performListing(_ effect: ClusterNode.Effect) {
        switch effect {
        case .listHere(let number, let cursor, let bytesMax, let other):
            inputs.append(.listed(number: number, page(after: cursor, bytesMax), for: other))
        case .listedPage(let ticket, let node, let rooms):
            listings[ticket]?.listed.pages.append((node, rooms))
        case .listDone(let ticket, let silent, let isCut):
            guard var listing = listings.removeValue(forKey: ticket) else { return }
            listing.listed.silent = silent
            listing.listed.isCut = isCut
            listing.answer(listing.listed)
        default: break
        }
    }

    private func page(after cursor: [UInt8], _ bytesMax: Int) -> ListingPage {
        // Only this node makes its cursors.
        guard let cursor = RoomCursor(cursor) else { return ListingPage(rooms: [], next: []) }
        return RoomPage.next(
            of: commons.rooms, after: cursor, bytesMax: bytesMax, at: line.home,
            second: commons.monotonicSeconds)
    }
}
