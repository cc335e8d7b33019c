import Admission
import AdmissionSupport
import Foundation
import Identifiers
import TestSupport
import Testing

@testable import Relay

/// Many who come, speak, lose their sockets and go, while the bus stalls and lines break.
///
/// `USHER_TEST_CLUSTER_SEQUENCES` says how many sequences the model in `ClusterTests` plays; here
/// it is one for each thousand.
@Suite struct ClusterSwarmTests {
    private static let count = max(
        20,
        ProcessInfo.processInfo.environment["USHER_TEST_CLUSTER_SEQUENCES"]
            .flatMap { UInt64($0) }.map { $0 / 1000 } ?? 0)

    @Test(
        "Whatever happens on the way, nothing is lost, doubled or reordered, and all see one room",
        arguments: 1...count)
    func swarm(seed: UInt64) throws {
        let swarm = Swarm(seed: seed)
        for _ in 0..<150 { try swarm.step() }
        try swarm.rest()
        swarm.check()
    }

    @Test(
        "When a node ends in order nothing is lost, doubled or reordered, and nobody is told of it",
        arguments: 1...count)
    func drained(seed: UInt64) throws {
        let swarm = Swarm(seed: seed)
        for _ in 0..<80 { try swarm.step() }
        swarm.drain(0)
        for _ in 0..<40 { try swarm.step() }
        try swarm.rest()
        swarm.check()
        swarm.checkDrained(0)
    }

    @Test(
        "When a node is killed the others see who is left, and all is answered that was said to it",
        arguments: 1...count)
    func killed(seed: UInt64) throws {
        let swarm = Swarm(seed: seed)
        for _ in 0..<80 { try swarm.step() }
        try swarm.kill(0)
        for _ in 0..<40 { try swarm.step() }
        try swarm.rest()
        swarm.check()
    }
}

/// Walkers at the nodes of one cluster, and what they have said.
private final class Swarm {
    private struct Said {
        let walker: Walker
        let ack: Int
        let number: Int
        let target: String
    }

    private let fleet = Fleet(3)
    private var generator: SeededGenerator
    private var walkers: [Walker] = []
    /// Those whose session is over.
    private var gone: [Walker] = []
    private var said: [Said] = []
    private var numbers = 0
    private var names = 0
    private var dead: Set<Int> = []
    private var draining: Set<Int> = []
    /// For so many milliseconds a node has been cut off.
    private var trouble: Int64 = 0

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    private func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &generator) < percent
    }

    private var nodes: [Int] { [0, 1, 2].filter { !dead.contains($0) } }

    func kill(_ node: Int) throws {
        fleet.kill(node)
        dead.insert(node)
        for walker in walkers where walker.node == node {
            // Its session may have been on its way here, or not yet.
            if walker.isResuming { try resume(walker) } else { walker.hasEnded = true }
        }
        sweep()
    }

    private func sweep() {
        for walker in walkers { walker.listen() }
        gone += walkers.filter(\.hasEnded)
        walkers.removeAll(where: \.hasEnded)
    }

    // MARK: Steps

    func step() throws {
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<10 where walkers.count < 8: try connect()
        case 10..<75:
            if let walker = walkers.filter(\.isReady).randomElement(using: &generator) {
                act(walker)
            }
        case 75..<82:
            if let walker = walkers.filter(\.isReady).randomElement(using: &generator) {
                walker.lose(isNoticed: chance(50))
                if !walker.isAway { try resume(walker) }
            }
        case 82..<90:
            for walker in walkers where walker.isAway { try resume(walker) }
        case 90..<95: makeTrouble()
        default:
            wait(milliseconds: [100, 300, 1000].randomElement(using: &generator) ?? 100)
        }
        sweep()
    }

    private func connect() throws {
        let here = nodes.filter { !draining.contains($0) }
        guard let node = here.randomElement(using: &generator) else { return }
        names += 1
        let subject = "s\(names)"
        let client = try fleet[node].connect(subject: subject, loop: names % 2)
        let walker = Walker(subject, node: node, client)
        walker.comesBack = !draining.isEmpty
        walkers.append(walker)
    }

    private func act(_ walker: Walker) {
        let room = ["R", "S"].randomElement(using: &generator) ?? "R"
        guard walker.room != nil else { return walker.join(room) }
        switch Int.random(in: 0..<20, using: &generator) {
        case 0, 1: walker.leave()
        case 2: walker.close()
        case 3, 4, 5:
            numbers += 1
            _ = walker.broadcast(numbers)
        default:
            guard let target = walker.view.sorted().randomElement(using: &generator) else { return }
            numbers += 1
            let ack = walker.send(numbers, to: target)
            said.append(Said(walker: walker, ack: ack, number: numbers, target: target))
        }
    }

    private func resume(_ walker: Walker) throws {
        guard !walker.hasEnded else { return }
        let others = nodes.filter { !draining.contains($0) }
        let stays = others.contains(walker.node) && chance(50)
        let node = stays ? walker.node : others.randomElement(using: &generator)
        guard let node else { return }
        let client = try fleet[node].connect(
            subject: walker.subject, loop: Int.random(in: 0..<2, using: &generator))
        walker.resume(client, at: node)
    }

    /// A node is to end, and others have its sessions.
    func drain(_ node: Int) {
        calm()
        draining.insert(node)
        for walker in walkers { walker.comesBack = true }
        fleet[node].admission.stopAdmitting()
        fleet[node].service.drain {}
        sweep()
    }

    /// A node is cut off for a moment, too short to be taken for dead.
    private func makeTrouble() {
        guard let node = nodes.randomElement(using: &generator), trouble == 0 else {
            return calm()
        }
        trouble = 1
        if chance(50) { fleet.stall(node) } else { fleet.cutFromNodes(node) }
    }

    private func wait(milliseconds: Int64) {
        if trouble > 0 { trouble += milliseconds }
        if trouble > 2000 { calm() }
        fleet.wait(milliseconds: milliseconds)
    }

    private func calm() {
        for node in nodes {
            fleet.stall(node, false)
            fleet.cutFromNodes(node, false)
        }
        trouble = 0
    }

    // MARK: The end

    /// All come back, and everything is answered.
    func rest() throws {
        calm()
        fleet.wait(milliseconds: 3000)
        sweep()
        for walker in walkers where walker.isAway { try resume(walker) }
        fleet.wait(milliseconds: dead.isEmpty ? 5000 : 20_000)
        // Who hears something may have something to say again.
        for _ in 0..<4 {
            sweep()
            fleet.wait(milliseconds: 500)
        }
        sweep()
    }

    func check() {
        for walker in walkers + gone { #expect(walker.complaints == []) }
        for walker in walkers { #expect(walker.pending.map(\.text) == [], "\(walker.connection)") }
        for node in nodes { #expect(fleet.nodes[node].waiting == 0) }
        checkRooms()
        checkPayloads()
    }

    private func checkRooms() {
        for name in ["R", "S"] {
            let here = walkers.filter { $0.room == name }
            let expected = Set(here.map(\.connection))
            for node in nodes {
                let room = fleet[node].service.rooms().first { $0.room.string == name }
                let hasMembers = here.contains { $0.node == node }
                let seen = Set(room?.members.map(\.connectionID) ?? [])
                #expect(seen == (hasMembers ? expected : []), "\(name) at node \(node)")
            }
            for walker in here {
                #expect(walker.view == expected.subtracting([walker.connection]), "\(name)")
            }
        }
    }

    /// Nobody in a room is at this node any more.
    func checkDrained(_ node: Int) {
        #expect(fleet[node].service.roomCount == 0)
        #expect(walkers.allSatisfy { $0.node != node || $0.room == nil })
    }

    private func checkPayloads() {
        let all = Dictionary(uniqueKeysWithValues: (walkers + gone).map { ($0.connection, $0) })
        for walker in walkers + gone {
            for (sender, numbers) in walker.heard {
                #expect(numbers == Set(numbers).sorted(), "from \(sender)")
            }
        }
        for said in said where said.walker.answers[said.ack] == "ok" {
            guard let target = all[said.target], !target.hasEnded else { continue }
            let heard = target.heard[said.walker.connection] ?? []
            #expect(heard.contains(said.number), "\(said.number) was acknowledged")
        }
    }
}
