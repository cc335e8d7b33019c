import Cluster
import Rooms
import TestSupport

/// A store of one key that compares and sets, as a model has it: reads may be old, and of a write
/// nobody may hear what became of it, or only later.
struct ModelStore {
    struct Version {
        let document: RoomDocument?
        let revision: Revision
        /// The step at which the next one came.
        var end: Int?
    }

    /// What may still come of a write that its writer gave up.
    private struct Late {
        let document: RoomDocument
        let base: Revision
        let due: Int
    }

    /// For how many steps a read may answer with what is no more, or a write come late.
    static let staleness = 25

    private(set) var versions = [Version(document: nil, revision: .absent)]
    /// The versions of buckets that are gone.
    private(set) var buried: [[Version]] = []
    private(set) var epoch = BucketEpoch(createdAt: 0, nonce: 0)
    private var late: [Late] = []

    var newest: Version { versions[versions.count - 1] }

    mutating func set(_ document: RoomDocument, from base: Revision, at step: Int) -> Revision? {
        guard newest.revision == base || newest.document == nil && base == .absent else {
            return nil
        }
        versions[versions.count - 1].end = step
        let last = versions.map(\.revision.raw).max() ?? 0
        let revision = Revision(raw: last + 1)
        versions.append(Version(document: document, revision: revision))
        return revision
    }

    mutating func setLater(_ document: RoomDocument, from base: Revision, at step: Int) {
        late.append(Late(document: document, base: base, due: step))
    }

    /// Writes that nobody waits for any more come through, or don't.
    ///
    /// - Returns: Whether one has.
    mutating func pass(to step: Int) -> Bool {
        let due = late.filter { $0.due <= step }
        late.removeAll { $0.due <= step }
        return due.map { set($0.document, from: $0.base, at: step) }.contains { $0 != nil }
    }

    func read(at step: Int, _ random: inout SeededGenerator) -> Version {
        guard Int.random(in: 0...3, using: &random) == 0 else { return newest }
        let recent = versions.filter { ($0.end ?? .max) > step - Self.staleness }
        return recent.randomElement(using: &random) ?? newest
    }

    /// Only what no write can bring back: it is empty, and nothing is on its way.
    ///
    /// - Returns: Whether it is gone.
    mutating func purge(upTo revision: Revision, at step: Int) -> Bool {
        guard newest.revision == revision, newest.document?.room.members.isEmpty == true,
            late.isEmpty
        else { return false }
        versions[versions.count - 1].end = step
        versions.append(Version(document: nil, revision: .absent))
        return true
    }

    mutating func vanish() {
        buried.append(versions)
        versions = [Version(document: nil, revision: .absent)]
        late = []
        epoch = BucketEpoch(createdAt: epoch.createdAt + 1, nonce: 0)
    }
}
