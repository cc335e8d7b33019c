import Bytes
import Clients

/// What a server knows of the clients it has met: a value, changed by misses and by refreshes.
///
/// Each entry bears the revision of the registry that it was read at, so that a slow miss can never
/// put something older in the place of something newer.
struct ClientCache {
    /// What a refresh read, in one snapshot.
    struct Refresh {
        var revision: Int64
        /// Of the entries asked about: those that differ from the last refresh, as they are now.
        var changed: [ByteText: Client]
        /// Of the entries asked about: those that are gone.
        var removed: Set<ByteText>
        /// Those made or extended since the last refresh.
        var revocations: [Revocation] = []
        /// Whether these are all there are: the set that is kept has outgrown them.
        var isWhole = false
        /// Revocations that ended before this second serve nobody any more.
        var purgedBefore: Int64 = .min
        /// Every client that is new or changed.
        var entries: [ClientIndex.Entry] = []
        /// Every client there is; nil where none was removed.
        var remaining: Set<ByteText>?
    }

    /// An object, so that a look-up copies no more than the client.
    private final class Entry: Sendable {
        let client: Client
        let revision: Int64

        init(client: Client, revision: Int64) {
            self.client = client
            self.revision = revision
        }
    }

    private var entries: [ByteText: Entry] = [:]
    private let entriesMax: Int
    /// nil until the first refresh.
    private(set) var revision: Int64?

    init(entriesMax: Int) { self.entriesMax = entriesMax }

    var ids: Set<ByteText> { Set(entries.keys) }

    func client(_ id: ByteText) -> Client? { entries[id]?.client }

    /// Takes in what a miss has read, unless a refresh has overtaken it.
    mutating func insert(_ client: Client, revision read: Int64) {
        guard read >= revision ?? 0 else { return }
        let id = ByteText(client.clientID)
        if entries.count >= entriesMax, entries[id] == nil, let victim = entries.keys.first {
            entries[victim] = nil
        }
        entries[id] = Entry(client: client, revision: read)
    }

    /// Has the next lookup read it again.
    mutating func forget(_ id: ByteText) { entries[id] = nil }

    /// Takes in a refresh, which looked at the entries `asked`; others that came meanwhile and are
    /// older than it are dropped, and a miss reads them again.
    mutating func apply(_ refresh: Refresh, asked: Set<ByteText>) {
        for (id, entry) in entries where entry.revision < refresh.revision {
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
