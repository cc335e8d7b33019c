import Bytes

/// How much is asked of each node of which rooms it has.
package struct ListingExtent: Equatable, Sendable {
    /// What one page may have; at most `ListingMail.pageBytesMax` is given.
    package let pageBytesMax: Int
    /// Of each node.
    package let pagesMax: Int
    /// All pages of all nodes, of which each has an equal share; its last page may go beyond it.
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
        /// What one node has not said.
        struct Asked: Sendable {
            /// When it was wanted.
            let since: Int64
            let cursor: [UInt8]
            /// What it has said before.
            let pages: Int
            let bytes: Int
            /// The line has the question.
            var isSaid = false
        }

        let ticket: UInt64
        let extent: ListingExtent
        /// Of each node.
        let bytesMax: Int
        let since: Int64
        /// Who has not said all: one page is asked for at a time.
        var asked: [Incarnation: Asked] = [:]
        var silent: [ByteText] = []
        var isCut = false
    }

    /// Another node's question waits for room in the line to it.
    struct HeldAsk: Sendable {
        let number: UInt64
        let cursor: [UInt8]
        let bytesMax: Int
        let since: Int64
    }

    /// A list of all, and a glance.
    private static let heldAsksMax = 2

    /// Each node is asked for one page after the other. Nodes that come meanwhile are not asked.
    mutating func list(_ ticket: UInt64, _ extent: ListingExtent, _ effects: inout [Effect]) {
        lastListing += 1
        let others = keys.living
        listings[lastListing] = Listing(
            ticket: ticket, extent: extent, bytesMax: extent.bytesMax / max(1, others.count),
            since: now)
        for other in others { ask(other, after: [], lastListing, pages: 0, bytes: 0) }
        endIfAllSaid(lastListing, &effects)
    }

    private mutating func ask(
        _ other: Incarnation, after cursor: [UInt8], _ number: UInt64, pages: Int, bytes: Int
    ) {
        listings[number]?.asked[other] = Listing.Asked(
            since: now, cursor: cursor, pages: pages, bytes: bytes)
        say(number, to: other)
    }

    /// As soon as there is room for it.
    private mutating func say(_ number: UInt64, to other: Incarnation) {
        guard let listing = listings[number], let asked = listing.asked[other], !asked.isSaid,
            mayList(to: other)
        else { return }
        let bytesMax = UInt32(clamping: listing.extent.pageBytesMax)
        let mail = ListingMail.ask(number: number, after: asked.cursor, bytesMax: bytesMax)
        let line = push(.listing(mail), to: other)
        listings[number]?.asked[other]?.isSaid = line != nil
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
            guard cursor.count <= ListingMail.cursorBytesMax else { return }
            let bytesMax = min(Int(bytesMax), ListingMail.pageBytesMax)
            heldAsks[other, default: []].append(
                HeldAsk(number: number, cursor: cursor, bytesMax: bytesMax, since: now))
            if heldAsks[other, default: []].count > Self.heldAsksMax {
                heldAsks[other]?.removeFirst()
            }
            answerHeld(of: other, &effects)
        case .page(let number, let page): took(page, number, of: other, &effects)
        }
    }

    private mutating func answerHeld(of other: Incarnation, _ effects: inout [Effect]) {
        guard mayList(to: other), let asks = heldAsks.removeValue(forKey: other) else { return }
        for ask in asks {
            effects.append(
                .listHere(
                    number: ask.number, after: ask.cursor, bytesMax: ask.bytesMax, for: other))
        }
    }

    mutating func listed(_ number: UInt64, _ page: ListingPage, for other: Incarnation) {
        push(.listing(.page(number: number, page)), to: other)
    }

    private mutating func took(
        _ page: ListingPage, _ number: UInt64, of other: Incarnation, _ effects: inout [Effect]
    ) {
        guard let listing = listings[number], let asked = listing.asked[other], asked.isSaid else {
            return
        }
        listings[number]?.asked[other] = nil
        if page.isFitting, page.isProgress(from: asked.cursor) {
            effects.append(.listedPage(ticket: listing.ticket, of: other, page.rooms))
            let (pages, bytes) = (asked.pages + 1, asked.bytes + page.rooms.count)
            if page.next.isEmpty {
                // That is all.
            } else if pages >= listing.extent.pagesMax || bytes > listing.bytesMax {
                listings[number]?.isCut = true
            } else {
                ask(other, after: page.next, number, pages: pages, bytes: bytes)
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

    /// What had to wait is said, where there is room by now. Whoever has not answered is told of by
    /// name: it may yet be dead.
    mutating func tickListings(_ effects: inout [Effect]) {
        for number in listings.keys.sorted() {
            guard let listing = listings[number] else { continue }
            let isLate = now - listing.since > timing.listWait
            for (other, asked) in listing.asked.sorted(by: { $0.key < $1.key }) {
                if isLate || now - asked.since > timing.kickWait {
                    give(up: other, number, &effects)
                } else {
                    say(number, to: other)
                }
            }
        }
        for other in heldAsks.keys.sorted() {
            heldAsks[other]?.removeAll { now - $0.since > timing.kickWait }
            if heldAsks[other]?.isEmpty == true { heldAsks[other] = nil }
            answerHeld(of: other, &effects)
        }
    }

    /// A node that dies takes its rooms along, and those that it has said may be gone.
    mutating func endListings(of other: Incarnation, _ effects: inout [Effect]) {
        heldAsks[other] = nil
        for number in listings.keys.sorted() { give(up: other, number, &effects) }
    }

    mutating func endListings(_ effects: inout [Effect]) {
        heldAsks = [:]
        for number in listings.keys.sorted() {
            for other in listings[number]?.asked.keys.sorted() ?? [] {
                give(up: other, number, &effects)
            }
        }
    }
}
