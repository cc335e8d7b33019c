package import Identifiers

/// What is new in a registry since somebody looked last, all of one moment.
package struct RegistryRefresh: Sendable {
    /// Revocations that a server may hold beyond those that are still in the registry.
    private static let surplusMax = 32_768

    package var revision: Int64
    /// Of the clients asked about: those that differ from the last refresh, as they are now.
    package var changed: [ClientID: Client]
    /// Of the clients asked about: those that are gone.
    package var removed: Set<ClientID>
    /// Those made or extended since the last refresh.
    package var revocations: [Revocation] = []
    /// Whether these are all there are: the set that is kept has outgrown them.
    package var isWhole = false
    /// Whether what was known before is void, and this is all there is.
    package var isReset = false
    /// Revocations that ended before this second serve nobody any more.
    package var purgedBefore: Int64 = .min
    /// Every client that is new or changed.
    package var entries: [ClientIndex.Entry] = []
    /// Every client there is; nil where none was removed.
    package var remaining: Set<ClientID>?

    package init(revision: Int64, changed: [ClientID: Client], removed: Set<ClientID>) {
        self.revision = revision
        self.changed = changed
        self.removed = removed
    }

    /// Reads what is new since the revision `known` (nil before the first look) at the clients
    /// `asked` and among the revocations, of which `held` are known; nil when nothing is. Where
    /// what is there does not continue what was known, it reads everything.
    package init?(
        _ rows: any RegistryRows, isContinued: Bool, since known: Int64?,
        at asked: Set<ClientID>, holding held: Int
    ) throws {
        let known = isContinued ? known : nil
        let revision = try rows.revision()
        guard revision != known else { return nil }
        self.init(revision: revision, changed: [:], removed: [])
        isReset = !isContinued
        entries = try rows.entries(since: known ?? -1)
        for entry in entries where asked.contains(entry.id) {
            changed[entry.id] = try rows.client(entry.id)
        }
        // What others cover is taken out of the registry, and nobody is told which.
        let surplus = try held - rows.revocationCount()
        isWhole = isReset || surplus > Self.surplusMax
        revocations = try rows.revocations(since: isWhole ? -1 : known ?? -1)
        purgedBefore = try rows.revocationsPurgedBefore()
        guard try rows.removalRevision() > known ?? -1 else { return }
        let remaining = Set(try rows.clientIDs())
        removed = asked.subtracting(remaining)
        self.remaining = remaining
    }
}

extension Registry {
    /// One client, and the revision of the registry at which it was so.
    package func snapshot(id: ClientID) throws(RegistryFailure) -> (
        client: Client?, revision: Int64
    ) {
        try read { (try $0.client(id), try $0.revision()) }
    }
}
