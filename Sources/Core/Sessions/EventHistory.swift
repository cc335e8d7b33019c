/// How much of a session's past is kept for a resume; 0 means no limit.
package struct HistoryLimits: Equatable, Sendable {
    package let eventsMax: Int
    package let bytesMax: Int

    package init(eventsMax: Int = 256, bytesMax: Int = 256 << 10) {
        self.eventsMax = eventsMax
        self.bytesMax = bytesMax
    }

    func allow(events: Int, bytes: Int) -> Bool {
        (eventsMax == 0 || events <= eventsMax) && (bytesMax == 0 || bytes <= bytesMax)
    }
}

/// The events of one session, numbered 1, 2, 3 and so on, byte for byte as they are sent: those
/// that wait to be sent, and as many of the sent ones as a resume may ask for.
///
/// What waits is never dropped here; whoever appends asks whether it has become too much. All bytes
/// lie in one array, the dropped ones in front until it pays to move the rest.
package struct EventHistory: Sendable {
    struct Entry: Sendable {
        /// Where the event ends in `bytes`; it starts where the one before ends.
        var end: Int
        /// When it was appended.
        let second: UInt32
    }

    private let limits: HistoryLimits
    /// Where `nextUnsent` lies.
    package private(set) var bytes: [UInt8] = []
    private var entries: [Entry] = []
    /// Entries before it are dropped.
    private var first = 0
    /// The number of the last event; 0 before the first.
    package private(set) var lastSeq: UInt64 = 0
    /// The number of the last event that was sent.
    package private(set) var sentSeq: UInt64 = 0

    package init(limits: HistoryLimits) { self.limits = limits }

    /// One that goes on from events of another process: `bytes` are those that are kept, one
    /// behind the other.
    init(
        limits: HistoryLimits, lastSeq: UInt64, sentSeq: UInt64, _ entries: [Entry],
        _ bytes: [UInt8]
    ) {
        self.limits = limits
        self.lastSeq = lastSeq
        self.sentSeq = sentSeq
        self.entries = entries
        self.bytes = bytes
    }

    // MARK: Size

    package var keptCount: Int { entries.count &- first }
    package var keptBytes: Int { end(of: entries.count) &- end(of: first) }
    package var unsentCount: Int { Int(truncatingIfNeeded: lastSeq &- sentSeq) }
    package var unsentBytes: Int {
        end(of: entries.count) &- end(of: entries.count &- unsentCount)
    }
    /// Whether more waits than is kept for a session whose client is away.
    package var isOverfull: Bool { !limits.allow(events: unsentCount, bytes: unsentBytes) }

    /// Where the entry before `index` ends.
    private func end(of index: Int) -> Int { index > 0 ? entries[index &- 1].end : 0 }

    // MARK: Appending and sending

    /// Appends the event `head body},"seq":N}`, which waits to be sent.
    ///
    /// - Parameters:
    ///   - head: From the opening brace on.
    ///   - body: The rest up to the end of `data`, without its brace.
    ///   - second: On a clock that never goes back.
    package mutating func append(_ head: Span<UInt8>, _ body: Span<UInt8>, at second: UInt32) {
        lastSeq &+= 1
        bytes.reserveCapacity(Self.capacity(for: bytes.count &+ head.count &+ body.count &+ 32))
        for index in head.indices { bytes.append(head[index]) }
        for index in body.indices { bytes.append(body[index]) }
        bytes.append(contentsOf: #"},"seq":"#.utf8)
        bytes.append(contentsOf: String(lastSeq).utf8)
        bytes.append(UInt8(ascii: "}"))
        entries.append(Entry(end: bytes.count, second: second))
    }

    /// Grows by half, for `reserveCapacity` alone would copy everything at every event.
    private static func capacity(for count: Int) -> Int {
        var capacity = 256
        while capacity < count { capacity = capacity &+ capacity / 2 }
        return capacity
    }

    /// Where the next event to send lies in `bytes`; nil when all are sent.
    package var nextUnsent: Range<Int>? {
        guard unsentCount > 0 else { return nil }
        let index = entries.count &- unsentCount
        return end(of: index)..<entries[index].end
    }

    /// The event at `nextUnsent` was sent.
    package mutating func markSent() {
        guard sentSeq < lastSeq else { return }
        sentSeq &+= 1
    }

    // MARK: Resuming

    /// Has everything after event `seq` sent again.
    ///
    /// - Returns: False, and nothing is changed, if some of that is no longer kept, or if `seq` was
    ///   never sent.
    package mutating func rewind(to seq: UInt64) -> Bool {
        guard seq <= sentSeq, lastSeq &- seq <= UInt64(keptCount) else { return false }
        sentSeq = seq
        return true
    }

    // MARK: Forgetting

    /// Drops sent events that are too many or were appended before `second`, oldest first.
    package mutating func trim(before second: UInt32) {
        let unsent = unsentCount
        while keptCount > unsent {
            let isOld = entries[first].second < second
            guard isOld || !limits.allow(events: keptCount, bytes: keptBytes) else { break }
            first &+= 1
        }
        compact()
    }

    /// Drops all that was sent; what waits stays.
    package mutating func forgetSent() {
        first = entries.count &- unsentCount
        compact()
    }

    /// The events that are kept: where each lies in `bytes`, when it was appended, and whether it
    /// was sent.
    var kept: [(range: Range<Int>, second: UInt32, isSent: Bool)] {
        (first..<entries.count).map { index in
            let isSent = index < entries.count &- unsentCount
            return (end(of: index)..<entries[index].end, entries[index].second, isSent)
        }
    }

    /// Drops everything; the numbers go on.
    package mutating func removeAll() {
        sentSeq = lastSeq
        bytes = []
        entries = []
        first = 0
    }

    /// Moves what is kept to the front once as much lies dead before it.
    private mutating func compact() {
        let dead = end(of: first)
        if first == entries.count {
            guard first > 0 else { return }
            bytes.removeAll(keepingCapacity: false)
            entries.removeAll(keepingCapacity: false)
            first = 0
        } else if dead > 1024, dead > bytes.count / 2 {
            bytes = Array(bytes[dead...])
            entries = entries[first...].map { Entry(end: $0.end &- dead, second: $0.second) }
            first = 0
        }
    }
}
