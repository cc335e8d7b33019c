import Cluster
import Rooms
import TestSupport

/// A store that compares and sets, as a model has it: reads may be old, and of a write nobody may
/// hear what became of it, or only later.
struct ModelStore {
    struct Version {
        var bytes: [UInt8]?
        /// Of a room in this bucket: who is in it; nobody where it was written for another one.
        var document: RoomDocument?
        let revision: Revision
        var writer: Incarnation?
        /// The step at which the next one came.
        var end: Int?
    }

    struct Write {
        let key: StoreKey
        let bytes: [UInt8]
        let base: Revision
        let writer: Incarnation
        /// The step at which it was asked for.
        let since: Int
    }

    struct Change {
        let write: Write
        let revision: Revision
    }

    /// For how many steps a read may answer with what is no more.
    static let staleness = 15
    /// How many steps late a write may come.
    static let lateness = 15

    private(set) var keys: [StoreKey: [Version]] = [:]
    /// The versions of buckets that are gone.
    private(set) var buried: [[StoreKey: [Version]]] = []
    private(set) var epoch = BucketEpoch(createdAt: 1, nonce: 1 << 20)
    private var lastRevision: UInt64 = 1 << 20
    private var late: [(write: Write, due: Int)] = []
    /// Until which step nothing is written.
    var elections = 0

    func newest(_ key: StoreKey) -> Version {
        keys[key]?.last ?? Version(revision: .absent)
    }

    /// The room that was written next after this revision.
    func next(after revision: Revision) -> (room: RoomDigest, bytes: [UInt8], revision: Revision)? {
        keys.compactMap {
            key, versions -> (room: RoomDigest, bytes: [UInt8], revision: Revision)? in
            guard case .room(let room) = key, let last = versions.last, let bytes = last.bytes,
                last.revision > revision
            else { return nil }
            return (room, bytes, last.revision)
        }.min { $0.revision < $1.revision }
    }

    /// In which documents may be written.
    var format: UInt8 {
        newest(.format).bytes.flatMap { try? FormatRecord($0) }?.format ?? 1
    }

    /// It was left empty, by a node that is none of those whose members were in it.
    func isSwept(_ room: RoomDigest) -> Bool {
        let versions = keys[.room(room)]?.suffix(2) ?? []
        guard versions.count == 2, let old = versions.first?.document,
            let new = versions.last?.document
        else { return false }
        return !old.seats.isEmpty && new.seats.isEmpty
            && versions.last?.writer.map { writer in
                !old.seats.values.contains { $0.home == writer }
            }
                == true
    }

    func document(_ room: RoomDigest) -> RoomDocument? { newest(.room(room)).document }

    mutating func set(_ write: Write, at step: Int) -> Revision? {
        let newest = newest(write.key)
        guard newest.bytes == nil ? write.base == .absent : newest.revision == write.base else {
            return nil
        }
        lastRevision += 1
        var version = Version(bytes: write.bytes, revision: Revision(raw: lastRevision))
        version.writer = write.writer
        if case .room = write.key, let document = try? RoomDocument(write.bytes, upTo: 2) {
            version.document = document.counted(in: epoch)
        }
        append(version, to: write.key, at: step)
        return version.revision
    }

    private mutating func append(_ version: Version, to key: StoreKey, at step: Int) {
        var versions = keys[key] ?? [Version(revision: .absent)]
        versions[versions.count - 1].end = step
        versions.append(version)
        keys[key] = versions
    }

    mutating func setLater(_ write: Write, at step: Int) { late.append((write, step)) }

    /// Writes that nobody waits for any more come through, or don't.
    mutating func pass(to step: Int) -> [Change] {
        let due = late.filter { $0.due <= step }
        guard !due.isEmpty else { return [] }
        late.removeAll { $0.due <= step }
        guard step >= elections else { return [] }
        return due.compactMap { write, _ in
            set(write, at: step).map { Change(write: write, revision: $0) }
        }
    }

    func read(_ key: StoreKey, at step: Int, _ random: inout SeededGenerator) -> Version {
        guard let versions = keys[key], Int.random(in: 0...3, using: &random) == 0 else {
            return newest(key)
        }
        let recent = versions.filter { ($0.end ?? .max) > step - Self.staleness }
        return recent.randomElement(using: &random) ?? newest(key)
    }

    /// - Returns: Whether something is gone.
    mutating func purge(_ key: StoreKey, upTo revision: Revision, at step: Int) -> Bool {
        let newest = newest(key)
        guard newest.bytes != nil, newest.revision <= revision else { return false }
        append(Version(revision: .absent), to: key, at: step)
        return true
    }

    mutating func vanish() {
        late = []
        buried.append(keys)
        keys = [:]
        let created = epoch.createdAt + 1
        lastRevision = created << 20
        epoch = BucketEpoch(createdAt: created, nonce: lastRevision)
    }
}
