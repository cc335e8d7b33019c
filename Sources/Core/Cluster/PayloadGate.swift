import Signalling

/// What came from one other node and waits until this one knows the room as its sender saw it.
///
/// What the same sender says behind it waits as well. How much that may be is bounded by what the
/// source may have unanswered; a node that sends more doesn't count on it, and gets no more taken.
struct PayloadGate: Sendable {
    enum Taken: Equatable { case ready, parked, refused }

    /// Twice what a source may have unanswered.
    static let parkedMax = 2 * PayloadSource.Limits().payloadsMax
    static let bytesMax = 2 * PayloadSource.Limits().bytesMax

    private var parked: [ConnectionID: Ring<PayloadMail>] = [:]
    /// For which room the first of each sender waits.
    private var senders: [RoomDigest: Set<ConnectionID>] = [:]
    private(set) var count = 0
    private var bytes = 0

    func isWaiting(for room: RoomDigest) -> Bool { senders[room] != nil }

    mutating func take(_ payload: PayloadMail, isReady: Bool) -> Taken {
        let isFirst = parked[payload.sender] == nil
        if isFirst, isReady { return .ready }
        guard count < Self.parkedMax, bytes + payload.event.count <= Self.bytesMax else {
            return .refused
        }
        parked[payload.sender, default: Ring()].append(payload.kept)
        count += 1
        bytes += payload.event.count
        if isFirst { senders[payload.room, default: []].insert(payload.sender) }
        return .parked
    }

    /// More is known of a room: what waited for that, in the order of its numbers, and the rooms
    /// that what was behind it waits for.
    mutating func release(
        _ room: RoomDigest, isReady: (PayloadMail) -> Bool
    ) -> (ready: [PayloadMail], others: Set<RoomDigest>) {
        guard let waiting = senders.removeValue(forKey: room) else { return ([], []) }
        var (ready, others): ([PayloadMail], Set<RoomDigest>) = ([], [])
        for sender in waiting {
            guard var line = parked.removeValue(forKey: sender) else { continue }
            while !line.isEmpty, isReady(line[0]) {
                let payload = line.removeFirst()
                count -= 1
                bytes -= payload.event.count
                ready.append(payload)
            }
            guard !line.isEmpty else { continue }
            senders[line[0].room, default: []].insert(sender)
            if line[0].room != room { others.insert(line[0].room) }
            parked[sender] = line
        }
        return (ready.sorted { $0.number < $1.number }, others)
    }
}
