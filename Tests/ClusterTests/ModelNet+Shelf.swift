import Cluster
import Rooms
import Sessions
import Signalling
import TestSupport

/// What a node has left for the next process of its name.
struct ModelShelf {
    let bytes: [UInt8]
    let format: UInt8
    /// Another node may have met what it left in the store.
    var isDisturbed: Bool
}

/// Nodes that end while no other lives, and leave their sessions to the next process.
extension ModelNet {
    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        Array(repeating: UInt8(truncatingIfNeeded: bytes.count), count: 32)
    }

    /// Somebody waits for all others to end: they begin again when that has ended, too.
    var isSomebodyAlone: Bool {
        hosts.contains { $0.isRunning && $0.shelvesSince != nil }
    }

    mutating func shelve(_ host: Int) {
        guard isAwake(host), hosts[host].node.standing == .member, !hosts[host].isLeaving,
            hosts[host].drainsSince == nil, !isSomebodyAlone
        else { return }
        hosts[host].shelvesSince = now
        // That takes longer than most.
        for _ in 0..<Int.random(in: 0...150, using: &random) { turn() }
    }

    mutating func goOnShelving(_ host: Int) {
        guard let since = hosts[host].shelvesSince else { return }
        guard now - since < 300, !hosts[host].isLeaving else {
            hosts[host].shelvesSince = nil
            return
        }
        for other in hosts.indices where other != host { drain(other) }
        guard hosts[host].node.mayShelve else { return }
        // The others begin when they begin: before it, or after.
        for other in hosts.indices where hosts[other].restartAt != nil {
            hosts[other].restartAt = later(90)
        }
        let here = hosts[host].clients.filter { id, client in
            client.member.isV1 && client.isAdmitted && client.stage == .home
                && client.order != nil
        }
        for (id, client) in here {
            hosts[host].clients[id] = nil
            shelved[id] = client
        }
        let list = here.sorted { $0.key < $1.key }.map { id, client in
            ClusterNode.Shelving(Self.record(id, client), rooms: [client.place])
        }
        tick(host)
        input(host, .shelve(list))
        hosts[host].shelvesSince = nil
        farewell(host)
    }

    mutating func shelve(_ states: [HandOverState], at host: Int) {
        let home = hosts[host].node.incarnation
        let format = hosts[host].node.format
        let shelf = NodeShelf(writtenAt: Int64(now), home, states, in: format)
        let left = Set(states.map(\.record.connection))
        let isDisturbed = hosts.indices.contains { other in
            other != host && hosts[other].isRunning && hosts[other].node.standing == .member
        }
        if !left.isEmpty { marks.insert(.shelved) }
        shelves[hosts[host].name] = ModelShelf(
            bytes: shelf.encoded(sha256: Self.digest), format: format, isDisturbed: isDisturbed)
        let own = hosts[host].name
        for (id, client) in shelved where client.shelf == nil {
            guard left.contains(id) else {
                shelved[id] = nil
                lost.insert(id)
                ends[id] = home
                continue
            }
            shelved[id]?.shelf = own
        }
    }

    /// It may act from now on: others that left something behind may have it taken away.
    mutating func becameMember(_ host: Int) {
        for name in shelves.keys where name != hosts[host].name {
            shelves[name]?.isDisturbed = true
        }
        for id in transit.keys { transit[id]?.client.mustComeBack = false }
        if hosts[host].node.configuration.awaitsShelf, !hosts[host].hasLooked {
            hosts[host].hasLooked = true
            hosts[host].looksAt = later(4)
        }
    }

    mutating func lookAtShelf(_ host: Int) {
        guard let due = hosts[host].looksAt, due <= now else { return }
        hosts[host].looksAt = nil
        let name = hosts[host].name
        guard let left = shelves.removeValue(forKey: name) else {
            return input(host, .putBack([], from: Incarnation(raw: 0)))
        }
        let shelf: NodeShelf
        do throws(ShelfFault) {
            shelf = try NodeShelf(
                left.bytes, upTo: hosts[host].reads, at: Int64(now), sha256: Self.digest)
        } catch {
            if error != .version || left.format <= hosts[host].reads {
                faults.append("the shelf is \(error.rawValue)")
            }
            return dropShelf(name, at: host)
        }
        for (id, client) in shelved where client.shelf == name {
            shelved[id] = nil
            var client = client
            (client.shelf, client.wasShelved) = (nil, true)
            client.mustComeBack = !left.isDisturbed && isUnharmed
            transit[id] = Transit(client: client, giver: shelf.home)
        }
        input(host, .putBack(shelf.sessions, from: shelf.home))
    }

    private mutating func dropShelf(_ name: String, at host: Int) {
        for (id, client) in shelved where client.shelf == name {
            shelved[id] = nil
            lost.insert(id)
            ends[id] = hosts[host].node.incarnation
            if let fault = client.fault { faults.append("\(id.raw): \(fault)") }
        }
        input(host, .putBack([], from: Incarnation(raw: 0)))
    }

    mutating func cameBack(_ id: ConnectionID, isHere: Bool, at host: Int) {
        guard !isHere else {
            marks.insert(.cameBack)
            return
        }
        guard let client = transit.removeValue(forKey: id)?.client else {
            faults.append("\(id.raw) came from no shelf")
            return
        }
        marks.insert(.missed)
        lost.insert(id)
        ends[id] = hosts[host].node.incarnation
        if let fault = client.fault { faults.append("\(id.raw): \(fault)") }
        if client.mustComeBack, isUnharmed, !isOver(client) {
            faults.append("\(id.raw) did not come back")
        }
    }
}
