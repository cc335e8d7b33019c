package import Identifiers

/// What a server knows of the clients it has met: a value, changed by misses and by refreshes.
///
/// Each entry bears the revision of the registry that it was read at, so that a slow miss can never
/// put something older in the place of something newer.
package struct ClientCache: Sendable {
    /// An object, so that a look-up copies no more than the client.
    private final class Entry: Sendable {
        let client: Client
        let revision: Int64

        init(client: Client, revision: Int64) {
            self.client = client
            self.revision = revision
        }
    }

    private var entries: [ClientID: Entry] = [:]
    private let entriesMax: Int
    /// nil until the first refresh.
    package private(set) var revision: Int64?

    package init(entriesMax: Int) { self.entriesMax = entriesMax }

    package var ids: Set<ClientID> { Set(entries.keys) }

    package func client(_ id: ClientID) -> Client? { entries[id]?.client }

    /// Takes in what a miss has read, unless a refresh has overtaken it.
    package mutating func insert(_ client: Client, revision read: Int64) {
        guard read >= revision ?? 0 else { return }
        let id = client.clientID
        if entries.count >= entriesMax, entries[id] == nil, let victim = entries.keys.first {
            entries[victim] = nil
        }
        entries[id] = Entry(client: client, revision: read)
    }

    /// Has the next lookup read it again.
    package mutating func forget(_ id: ClientID) { entries[id] = nil }

    /// Takes in a refresh, which looked at the entries `asked`; others that came meanwhile and are
    /// older than it are dropped, and a miss reads them again.
    package mutating func apply(_ refresh: RegistryRefresh, asked: Set<ClientID>) {
        for (id, entry) in entries where entry.revision < refresh.revision || refresh.isReset {
            if let client = refresh.changed[id] {
                entries[id] = Entry(client: client, revision: refresh.revision)
            } else if refresh.removed.contains(id) || !asked.contains(id) {
                entries[id] = nil
            } else {
                entries[id] = Entry(client: entry.client, revision: refresh.revision)
            }
        }
        revision = refresh.revision
    }
}
