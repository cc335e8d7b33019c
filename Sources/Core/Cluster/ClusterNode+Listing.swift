import Bytes

/// How much is asked of each node of which rooms it has.
package struct ListingExtent: Equatable, Sendable {
    /// What one page may have; at most `ListingMail.pageBytesMax` is given.
    package let pageBytesMax: Int
    /// Of each node.
    package let pagesMax: Int
    /// All pages of all nodes; the last one may go beyond it.
    package let bytesMax: Int

    package init(pageBytesMax: Int, pagesMax: Int, bytesMax: Int) {
        self.pageBytesMax = pageBytesMax
        self.pagesMax = pagesMax
        self.bytesMax = bytesMax
    }
}

extension ClusterNode {
    /// An operator waits for what other nodes have.
    struct Listing: Sendable {
        let ticket: UInt64
        let extent: ListingExtent
        let since: Int64
        /// Who has not said all, since when it was asked for the next page, and how many came.
        var asked: [Incarnation: (since: Int64, pages: Int)] = [:]
        var silent: [ByteText] = []
        var bytes = 0
        var isCut = false
    }

    /// Each node is asked for one page after the other. Nodes that come meanwhile are not asked.
    mutating func list(_ ticket: UInt64, _ extent: ListingExtent, _ effects: inout [Effect]) {
        lastListing += 1
        listings[lastListing] = Listing(ticket: ticket, extent: extent, since: now)
        for other in keys.living { ask(other, after: [], lastListing, pages: 0) }
        endIfAllSaid(lastListing, &effects)
    }

    private mutating func ask(
        _ other: Incarnation, after cursor: [UInt8], _ number: UInt64, pages: Int
    ) {
        guard let extent = listings[number]?.extent else { return }
        let bytesMax = UInt32(clamping: extent.pageBytesMax)
        guard mayList(to: other),
            push(.listing(.ask(number: number, after: cursor, bytesMax: bytesMax)), to: other)
                != nil
        else {
            listings[number]?.silent.append(keys.name(other))
            return
        }
        listings[number]?.asked[other] = (now, pages)
    }

    /// What is listed never waits in front of what peers say.
    private func mayList(to other: Incarnation) -> Bool {
        !isBackedUp && lines[other]?.hasWindow ?? true
    }

    mutating func read(
        _ mail: ListingMail, from other: Incarnation, _ effects: inout [Effect]
    ) {
        switch mail {
        case .ask(let number, let cursor, let bytesMax):
            guard cursor.count <= ListingMail.cursorBytesMax, mayList(to: other) else { return }
            effects.append(
                .listHere(
                    number: number, after: cursor,
                    bytesMax: min(Int(bytesMax), ListingMail.pageBytesMax), for: other))
        case .page(let number, let page): took(page, number, of: other, &effects)
        }
    }

    mutating func listed(_ number: UInt64, _ page: ListingPage, for other: Incarnation) {
        push(.listing(.page(number: number, page)), to: other)
    }

    private mutating func took(
        _ page: ListingPage, _ number: UInt64, of other: Incarnation, _ effects: inout [Effect]
    ) {
        guard let listing = listings[number], let asked = listing.asked[other] else { return }
        listings[number]?.asked[other] = nil
        if page.isFitting {
            effects.append(.listedPage(ticket: listing.ticket, of: other, page.rooms))
            let bytes = listing.bytes + page.rooms.count
            listings[number]?.bytes = bytes
            if page.next.isEmpty {
                // That is all.
            } else if asked.pages + 1 >= listing.extent.pagesMax || bytes > listing.extent.bytesMax
            {
                listings[number]?.isCut = true
            } else {
                ask(other, after: page.next, number, pages: asked.pages + 1)
            }
        } else {
            listings[number]?.silent.append(keys.name(other))
        }
        endIfAllSaid(number, &effects)
    }

    private mutating func endIfAllSaid(_ number: UInt64, _ effects: inout [Effect]) {
        guard let listing = listings[number], listing.asked.isEmpty else { return }
        listings[number] = nil
        effects.append(
            .listDone(
                ticket: listing.ticket, silent: listing.silent.sorted(), isCut: listing.isCut))
    }

    private mutating func give(
        up other: Incarnation, _ number: UInt64, _ effects: inout [Effect]
    ) {
        guard listings[number]?.asked.removeValue(forKey: other) != nil else { return }
        listings[number]?.silent.append(keys.name(other))
        endIfAllSaid(number, &effects)
    }

    /// Whoever has not answered by now is told of by name: it may yet be dead.
    mutating func giveUpListings(_ effects: inout [Effect]) {
        for number in listings.keys.sorted() {
            guard let listing = listings[number] else { continue }
            let isLate = now - listing.since > timing.listWait
            for (other, asked) in listing.asked
            where isLate || now - asked.since > timing.kickWait {
                give(up: other, number, &effects)
            }
        }
    }

    /// A node that dies takes its rooms along, and those that it has said may be gone.
    mutating func endListings(of other: Incarnation, _ effects: inout [Effect]) {
        for number in listings.keys.sorted() { give(up: other, number, &effects) }
    }

    mutating func endListings(_ effects: inout [Effect]) {
        for number in listings.keys.sorted() {
            for other in listings[number]?.asked.keys.sorted() ?? [] {
                give(up: other, number, &effects)
            }
        }
    }
}
