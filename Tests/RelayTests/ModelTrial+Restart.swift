import Relay

// The process stops in order, and the next one puts back what it left.
extension ModelTrial {
    func restart() throws {
        tally["restarted", default: 0] += 1
        let shelf = hub.stop()
        rooms.endTogether(doomed) { _ in true }
        let kept = parties.filter(\.isAway).sorted { $0.awayOrder < $1.awayOrder }
        guard shelf?.count ?? 0 == kept.count else {
            throw Mismatch("\(shelf?.count ?? 0) sessions of \(kept.count) are on the shelf")
        }
        let back = try hub.start(with: shelf?.bytes) ?? .init()
        rooms.putBack(kept, now: now)
        let gone = kept.filter { revoked.contains($0.token.id) }
        rooms.endTogether(gone.map { ($0, "kicked") }) { _ in false }
        guard back == .init(count: kept.count - gone.count, revoked: gone.count) else {
            throw Mismatch("\(back) of \(kept.count) sessions, \(gone.count) of them revoked")
        }
    }

    /// Those who are away and will not come back.
    private var doomed: [(ModelParty, reason: String)] {
        parties.filter(\.isAway).compactMap { party in
            party.doom.map { (party, $0 == .replaced ? "replaced" : "lost") }
        }
    }
}
