import Admission
import AdmissionSupport
import Cluster
import Locking
import Signalling
import Testing
import WebSocket

@testable import Relay

/// Several relays that are nodes of one cluster, on one thread.
final class Fleet {
    /// One node: a relay with its loops, and what speaks for it on the bus.
    final class Node {
        private(set) unowned var hub: Hub
        private let own: Hub?
        fileprivate let end: InMemoryBus.End
        private let notes: Notes
        private let line: BusLine
        private var handler: ClusterHandler<PostOutput>
        private var output: InMemoryOutput
        /// Notes of its loops wait, and so does what came from the bus.
        var isFrozen = false

        /// What it said of itself.
        private final class Notes: Sendable {
            let standings = Lock<[NodeStanding]>([])
        }

        fileprivate convenience init(
            _ name: String, _ bus: InMemoryBus, _ configuration: RelayConfiguration, _ world: World,
            awaitsShelf: Bool = false
        ) {
            let line = BusLine()
            let hub = Hub(configuration, in: world, line: line)
            self.init(
                name, bus, configuration, world, hub, line, isOwn: true, awaitsShelf: awaitsShelf)
        }

        fileprivate init(
            _ name: String, _ bus: InMemoryBus, _ configuration: RelayConfiguration, _ world: World,
            _ hub: Hub, _ line: BusLine, isOwn: Bool, awaitsShelf: Bool = false
        ) {
            let notes = Notes()
            self.hub = hub
            own = isOwn ? hub : nil
            self.line = line
            self.notes = notes
            end = bus.join()
            output = InMemoryOutput(bus: bus, end: end)
            let mailboxes = hub.net.mailboxes
            var asNode = ClusterNode.Configuration(
                nodeName: name, alike: [], membersPerRoomMax: configuration.membersPerRoomMax)
            asNode.awaitsShelf = awaitsShelf
            handler = hub.service.makeClusterHandler(
                ClusterNode(asNode, Incarnation(raw: world.random())),
                ClusterPorts(
                    tellLoop: { mailboxes[$1].post([.note($0)]) },
                    tellLoops: { note in for mailbox in mailboxes { mailbox.post([.note(note)]) } },
                    stands: { standing in notes.standings.withLock { $0.append(standing) } }),
                PostOutput(mailboxes) { world.state.withLock { $0.milliseconds } })
        }

        fileprivate var isQuiet: Bool {
            hub.net.isQuiet && (isFrozen || end.isDead || line.isQuiet)
        }

        /// Clients here that wait for sessions of other nodes, and sessions between two.
        var waiting: Int {
            handler.resumes.count + handler.giving.count + handler.arriving.count
        }

        /// What has happened so far, the last is what counts.
        var standing: NodeStanding? { notes.standings.withLock { $0.last } }
        var standingsSoFar: [NodeStanding] { notes.standings.withLock { $0 } }

        fileprivate func tick(at milliseconds: Int64) {
            guard !end.isDead, !isFrozen else { return }
            output.monotonicMilliseconds = milliseconds
            handler.ticked(&output)
            handler.turnEnded(&output)
        }

        fileprivate func turn(_ bus: InMemoryBus) {
            hub.net.turn()
            guard !end.isDead, !isFrozen else { return }
            let heard = bus.events(of: end)
            guard !line.isQuiet || !heard.isEmpty else { return }
            handler.told(ClusterKnock(), &output)
            for event in heard { handler.heard(event, &output) }
            handler.turnEnded(&output)
        }
    }

    let world: World
    let bus = InMemoryBus()
    private(set) var nodes: [Node] = []

    /// A cluster of one.
    init(of hub: Hub, _ configuration: RelayConfiguration, _ line: BusLine) {
        world = hub.world
        nodes = [Node("one", bus, configuration, world, hub, line, isOwn: false)]
        hub.net.cluster = { [unowned self] in run() }
        wait(milliseconds: 7000)
    }

    /// Nodes that stand in an open bucket.
    init(
        _ count: Int = 2, _ configuration: RelayConfiguration = RelayConfiguration()
    ) {
        world = World()
        for index in 0..<count {
            let node = Node("n\(index)", bus, configuration, world)
            nodes.append(node)
            node.hub.net.cluster = { [unowned self] in run() }
        }
        wait(milliseconds: 7000)
    }

    subscript(_ index: Int) -> Hub { nodes[index].hub }

    /// Lets all that is on its way arrive.
    func run() {
        while !isQuiet {
            bus.answer()
            for node in nodes { node.turn(bus) }
        }
        for node in nodes { #expect(node.hub.net.complaints == []) }
    }

    /// Lets what is on its way come a step further.
    func turn() {
        bus.answer()
        for node in nodes { node.turn(bus) }
    }

    /// Nothing can go on but what is frozen.
    private var isQuiet: Bool {
        nodes.allSatisfy { $0.isQuiet && ($0.isFrozen || bus.isQuiet($0.end)) }
    }

    /// Has the nodes look at the clock.
    func tick() {
        let now = world.state.withLock { $0.milliseconds }
        for node in nodes { node.tick(at: now) }
    }

    /// Lets time pass for the nodes, not for their loops.
    func wait(milliseconds: Int64) {
        for _ in 0..<(milliseconds / 100) {
            let now = world.state.withLock { state in
                state.milliseconds += 100
                return state.milliseconds
            }
            for node in nodes { node.tick(at: now) }
            run()
        }
    }

    /// A node is gone from one moment to the next.
    func kill(_ index: Int) { nodes[index].end.isDead = true }

    /// The bucket answers a node later.
    func stall(_ index: Int, _ isStalled: Bool = true) {
        nodes[index].end.isStalled = isStalled
        run()
    }

    func cutFromStore(_ index: Int, _ isCut: Bool = true) {
        bus.cut(nodes[index].end, isCut)
        run()
    }

    /// What a node and the others send to each other is lost.
    func cutFromNodes(_ index: Int, _ isCut: Bool = true) {
        nodes[index].end.isCutFromNodes = isCut
    }

    /// Has other nodes take the sessions of one that is to end.
    ///
    /// - Returns: Whether they have.
    func drain(_ index: Int, milliseconds: Int64 = 2000) -> Bool {
        let isDone = Lock(false)
        self[index].admission.stopAdmitting()
        self[index].service.drain { isDone.withLock { $0 = true } }
        wait(milliseconds: milliseconds)
        return isDone.withLock { $0 }
    }

    /// Ends a node in order.
    ///
    /// - Returns: What it leaves for the next process of its name.
    @discardableResult
    func stop(_ index: Int) -> Relay.Shelved? {
        let hub = self[index]
        hub.admission.stopAdmitting()
        hub.service.prepareStop()
        for loop in hub.loops { loop.closeAll(.restarting) }
        run()
        let result = Lock<Relay.Shelved?>(nil)
        hub.service.shelve { shelved in result.withLock { $0 = shelved } }
        run()
        hub.service.endSessions()
        hub.service.farewell()
        run()
        return result.withLock { $0 }
    }

    /// Starts one more node.
    func start(
        _ name: String, _ configuration: RelayConfiguration = RelayConfiguration(),
        awaitsShelf: Bool = false
    ) {
        let node = Node(name, bus, configuration, world, awaitsShelf: awaitsShelf)
        nodes.append(node)
        let seconds = world.state.withLock { $0.milliseconds / 1000 }
        for loop in node.hub.loops { loop.advance(seconds: seconds) }
        node.hub.net.cluster = { [unowned self] in run() }
        wait(milliseconds: 3000)
    }

    /// Starts the next process of a node's name, which finds nothing but its shelf.
    func start(
        _ name: String, _ configuration: RelayConfiguration = RelayConfiguration(),
        with shelf: [UInt8]?
    ) throws -> Relay.PutBack? {
        start(name, configuration, awaitsShelf: true)
        let result = Lock<Relay.PutBack?>(nil)
        defer { run() }
        try self[nodes.count - 1].service.putBack(shelf) { putBack in
            result.withLock { $0 = putBack }
        }
        run()
        return result.withLock { $0 }
    }
}
