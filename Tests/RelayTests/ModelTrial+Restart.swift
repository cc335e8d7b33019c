import Admission
import Relay
import WebSocket

// The process stops in order, and the next one puts back what it left.
extension ModelTrial {
    func restart() throws {
        tally["restarted", default: 0] += 1
        admission.stopAdmitting()
        service.prepareStop()
        // First all that is on its way within the process arrives.
        while net.loops.contains(where: { !$0.isQuiet }) {
            for loop in net.loops {
                try collect(loop, loop.mailbox.count)
                try endTurn(loop)
            }
        }
        for loop in net.loops {
            for wire in net.wires.values where wire.socket?.loop == loop.output.index {
                net.close(wire.socket ?? .init(raw: 0), .restarting, loop)
            }
            try endTurn(loop)
        }
        while net.loops.contains(where: { !$0.isQuiet }) {
            for loop in net.loops { try collect(loop, loop.mailbox.count) }
            for loop in net.loops { try endTurn(loop) }
        }
        rooms.endTogether(doomed) { _ in true }
        let shelf = service.shelve()
        let kept = parties.filter(\.isAway).sorted { $0.awayOrder < $1.awayOrder }
        guard shelf?.count ?? 0 == kept.count else {
            throw Mismatch("\(shelf?.count ?? 0) sessions of \(kept.count) are on the shelf")
        }
        let now = self.now
        (admission, service) = world.services(configuration, limits)
        let back = try shelf.map { try service.putBack($0.bytes) } ?? .init()
        net = ModelNet(service, loops: setting.loops)
        for loop in net.loops { loop.output.monotonicSeconds = now }
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
