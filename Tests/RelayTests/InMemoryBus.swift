import Bytes
import Cluster
import Locking

/// A bus in the memory of one process: a bucket that compares and sets, and frames that arrive.
///
/// What nodes ask is answered by `answer`, in their order.
final class InMemoryBus {
    private struct Entry {
        var bytes: [UInt8]
        var revision: UInt64
    }

    /// One node's end.
    final class End {
        fileprivate(set) var incarnation: Incarnation?
        fileprivate var events: [BusEvent] = []
        /// Requests that the bucket has not answered yet.
        fileprivate var requests: [() -> BusEvent] = []
        /// The bucket takes its time.
        var isStalled = false
        /// The bucket is out of reach.
        fileprivate(set) var isCut = false
        /// Nothing goes from here to other nodes, or comes from them.
        var isCutFromNodes = false
        var isDead = false

        fileprivate func take() -> [BusEvent] {
            defer { events = [] }
            return events
        }
    }

    private(set) var epoch = BucketEpoch(createdAt: 1, nonce: 1)
    private var entries: [StoreKey: Entry] = [:]
    private var lastRevision: UInt64 = 0
    private(set) var ends: [End] = []

    func join() -> End {
        let end = End()
        ends.append(end)
        connect(end)
        return end
    }

    private func connect(_ end: End) {
        end.events.append(.connected(epoch))
        for (key, entry) in entries where Self.isWatched(key) {
            end.events.append(.watched(key, entry.bytes, Revision(raw: entry.revision)))
        }
        end.events.append(.watchedAll)
    }

    /// Cuts a node off from the bucket, which it notices, or connects it again.
    func cut(_ end: End, _ isCut: Bool) {
        end.isCut = isCut
        if isCut { end.events.append(.disconnected) } else { connect(end) }
    }

    /// Answers what was asked.
    func answer() {
        for end in ends where !end.isStalled {
            let requests = end.requests
            end.requests = []
            for request in requests { end.events.append(request()) }
        }
    }

    func events(of end: End) -> [BusEvent] { end.isDead ? [] : end.take() }

    /// Nothing waits for it, and nothing of it waits but for a bucket that it is cut off from.
    func isQuiet(_ end: End) -> Bool {
        end.isDead || end.events.isEmpty && (end.isStalled || end.requests.isEmpty)
    }

    // MARK: The bucket

    private static func isWatched(_ key: StoreKey) -> Bool {
        if case .room = key { false } else { true }
    }

    fileprivate func read(_ key: StoreKey, _ request: UInt64, _ end: End) {
        end.requests.append { [unowned self] in
            guard !end.isCut else { return .answer(.unknown, request: request) }
            let entry = entries[key]
            return .answer(
                .found(entry?.bytes, Revision(raw: entry?.revision ?? 0)), request: request)
        }
    }

    fileprivate func next(_ revision: Revision, _ request: UInt64, _ end: End) {
        end.requests.append { [unowned self] in
            guard !end.isCut else { return .answer(.unreadable, request: request) }
            let next = entries.filter {
                !Self.isWatched($0.key) && $0.value.revision > revision.raw
            }
            .min { $0.value.revision < $1.value.revision }
            guard case .room(let room)? = next?.key, let entry = next?.value else {
                return .answer(.found(nil, .absent), request: request)
            }
            return .answer(
                .next(room, entry.bytes, Revision(raw: entry.revision)), request: request)
        }
    }

    fileprivate func write(
        _ key: StoreKey, _ bytes: [UInt8], _ base: Revision, _ request: UInt64, _ end: End
    ) {
        end.requests.append { [unowned self] in
            guard !end.isCut else { return .answer(.unknown, request: request) }
            guard entries[key]?.revision ?? 0 == base.raw else {
                return .answer(.conflict, request: request)
            }
            lastRevision += 1
            let revision = Revision(raw: lastRevision)
            entries[key] = Entry(bytes: bytes, revision: lastRevision)
            tellWatchers(key, bytes, revision)
            return .answer(.accepted(revision), request: request)
        }
    }

    fileprivate func purge(_ key: StoreKey, _ revision: Revision) {
        guard let entry = entries[key], entry.revision <= revision.raw else { return }
        entries[key] = nil
        lastRevision += 1
        tellWatchers(key, nil, Revision(raw: lastRevision))
    }

    private func tellWatchers(_ key: StoreKey, _ bytes: [UInt8]?, _ revision: Revision) {
        guard Self.isWatched(key) else { return }
        for end in ends where !end.isCut {
            end.events.append(.watched(key, bytes, revision))
        }
    }

    // MARK: The nodes

    fileprivate func listen(_ incarnation: Incarnation, _ end: End) {
        end.incarnation = incarnation
    }

    fileprivate func send(_ frame: [UInt8], _ other: Incarnation, _ end: End) {
        for receiver in ends where receiver.incarnation == other {
            if !end.isCutFromNodes, !receiver.isCutFromNodes {
                receiver.events.append(.frame(frame))
            }
        }
    }

    fileprivate func heartbeat(_ bytes: [UInt8], _ end: End) {
        for other in ends where !end.isCutFromNodes && !other.isCutFromNodes {
            other.events.append(.heartbeat(bytes))
        }
    }
}

/// What one node asks of the bus.
struct InMemoryOutput: BusOutput {
    let bus: InMemoryBus
    let end: InMemoryBus.End
    var monotonicMilliseconds: Int64 = 0
    let isBackedUp = false
    let server: ByteText? = "bus.example:4222"
    let storeMilliseconds: Int64? = 7

    func read(_ key: StoreKey, request: UInt64) { bus.read(key, request, end) }
    func next(after revision: Revision, request: UInt64) { bus.next(revision, request, end) }
    func write(_ key: StoreKey, _ bytes: [UInt8], from base: Revision, request: UInt64) {
        bus.write(key, bytes, base, request, end)
    }
    func purge(_ key: StoreKey, upTo revision: Revision) { bus.purge(key, revision) }
    func listen(as incarnation: Incarnation) { bus.listen(incarnation, end) }
    func send(_ frame: [UInt8], to incarnation: Incarnation) {
        bus.send(frame, incarnation, end)
    }
    func heartbeat(_ bytes: [UInt8]) { bus.heartbeat(bytes, end) }
}
