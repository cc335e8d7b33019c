import Bytes
import Cluster
import Testing

@Suite("Which nodes live (docs/decisions/0036)")
struct NodeKeysTests {
    /// So many nodes that are members.
    static func net(_ count: Int) -> KeysNet {
        var net = KeysNet()
        for _ in 0..<count { net.start() }
        net.run(6000)
        for node in 0..<count { #expect(net.nodes[node].standing == .member) }
        return net
    }

    @Test("A node registers before anything else, and lets nobody in before the bucket is open")
    func beginning() throws {
        var net = KeysNet()
        net.start()
        #expect(net.writes.map(\.key) == [.node(KeysNet.incarnation(0))])
        #expect(net.writes[0].base == .absent)
        net.run(4900)
        #expect(net.nodes[0].mayWrite && !net.nodes[0].mayAdmit)
        #expect(net.nodes[0].standing == .joining(StableCode("opening")))
        net.run(200)
        #expect(net.nodes[0].standing == .member && net.nodes[0].mayAdmit)
        let open = try OpenList(#require(net.keys[.open]?.bytes))
        #expect(open == OpenList(epoch: KeysNet.epoch, [KeysNet.incarnation(0)]))
        // Whoever comes later just joins.
        net.start()
        #expect(net.nodes[1].standing == .member)
        #expect(net.record(1)?.state == .alive)
    }

    @Test(
        "Without a renewal nothing is written after 3 s, nobody joins, and all is lost after 20 s")
    func cutOff() {
        var net = Self.net(1)
        net.run(10_000)
        #expect(net.nodes[0].mayWrite)
        // Each renewal is made from the one before.
        #expect(net.writes.filter { $0.key != .open }.count == 9)
        net.cut = [0]
        net.run(2900)
        #expect(net.nodes[0].standing == .member)
        net.run(200)
        #expect(!net.nodes[0].mayWrite && net.nodes[0].standing == .cutOff)
        #expect(!net.nodes[0].mayAdmit)
        net.run(16_500)
        #expect(net.nodes[0].standing == .cutOff)
        let before = net.heartbeats(0)
        net.run(1500)
        #expect(net.nodes[0].standing == .lost)
        #expect(net.heartbeats(0) < before + 5)
        // Nobody else was there to declare it dead.
        net.cut = []
        net.run(400)
        #expect(net.nodes[0].standing == .member && net.nodes[0].mayWrite)
    }

    @Test("Whoever slept or has another connection renews before it writes")
    func gap() {
        var net = Self.net(1)
        net.cut = [0]
        net.now += 1100
        net.tell(0) { [now = net.now] in $0.ticked(now, &$1) }
        #expect(!net.nodes[0].mayWrite && net.nodes[0].standing == .member)
        net.cut = []
        net.run(300)
        #expect(net.nodes[0].mayWrite)
        net.tell(0) { $0.disconnected(&$1) }
        #expect(!net.nodes[0].mayWrite && net.nodes[0].standing == .member)
        net.tell(0) { $0.connected(KeysNet.epoch, &$1) }
        #expect(!net.nodes[0].mayWrite)
        net.tell(0) { $0.watchedAll(&$1) }
        #expect(net.nodes[0].mayWrite && net.nodes[0].standing == .member)
    }

    @Test("A renewal of unknown outcome is found by the next one, and counts for nothing")
    func unknownRenewal() {
        var net = Self.net(1)
        net.unanswered = [0]
        net.run(5000)
        #expect(!net.nodes[0].mayWrite && net.nodes[0].standing == .cutOff)
        net.unanswered = []
        net.run(300)
        #expect(net.nodes[0].mayWrite && net.nodes[0].standing == .member)
    }

    @Test("Whoever is silent for 5 s is declared dead by one write, and all look again 5 s later")
    func death() {
        var net = Self.net(3)
        net.stopped = [2]
        net.run(4700)
        #expect(net.record(2)?.state == .alive)
        net.run(1000)
        #expect(net.record(2)?.state == .dead && net.record(2)?.nodeName == "n2")
        let victim = KeysNet.incarnation(2)
        for node in 0...1 {
            #expect(net.count(.died(victim), node) == 1 && net.nodes[node].gone == [victim])
            #expect(net.count(.recheck, node) == 0)
        }
        net.run(5000)
        for node in 0...1 { #expect(net.count(.recheck, node) == 1) }
        // When it wakes, it is refused, and goes on as another.
        net.stopped = []
        net.run(100)
        #expect(net.nodes[2].standing == .condemned && !net.nodes[2].mayWrite)
        net.tell(2) { $0.reborn(Incarnation(raw: 9), &$1) }
        net.run(300)
        #expect(net.nodes[2].standing == .member && net.nodes[2].mayWrite)
        #expect(net.nodes[2].gone == [victim])
    }

    @Test("Nobody is declared dead by a node that may be deaf itself")
    func deafness() {
        var net = Self.net(2)
        // It does not reach the store.
        net.mute = [1]
        net.cut = [0]
        net.run(8000)
        #expect(net.record(1)?.state == .alive)
        // It slept.
        (net.mute, net.cut) = ([], [])
        net.run(1000)
        net.stopped = [0]
        net.mute = [1]
        net.run(4000)
        net.stopped = []
        net.run(4900)
        #expect(net.record(1)?.state == .alive)
        net.run(1000)
        #expect(net.record(1)?.state == .dead)
    }

    @Test("One that is met in a document and has no key is written down as dead from absent")
    func ghosts() {
        var net = Self.net(1)
        let ghost = Incarnation(raw: 77)
        net.tell(0) { keys, _ in keys.met(ghost) }
        net.run(400)
        #expect(net.count(.died(ghost), 0) == 1)
        #expect(net.writes.last?.key == .node(ghost) && net.writes.last?.base == .absent)
        // One that has a key is none.
        net.stopped = [0]
        net.start()
        net.stopped = []
        net.tell(0) { keys, _ in keys.met(KeysNet.incarnation(1)) }
        net.run(1000)
        #expect(net.record(1)?.state == .alive && net.nodes[1].standing == .member)
        #expect(net.nodes[0].isAlive(KeysNet.incarnation(1)))
    }

    @Test("A name has one node: who comes later waits for 8 s, and is refused or goes on")
    func names() {
        var net = Self.net(1)
        net.start(name: "n0")
        #expect(net.nodes[1].standing == .joining(StableCode("name_taken")))
        net.run(7900)
        #expect(net.nodes[1].mayWrite && !net.nodes[1].mayAdmit)
        net.run(300)
        #expect(net.nodes[1].standing == .refused(.nameTaken))
        #expect(net.record(1)?.state == .left && net.nodes[0].standing == .member)
        // Where the other is dead, that is found meanwhile.
        net.start(name: "n0")
        net.stopped = [0]
        net.run(6000)
        #expect(net.record(0)?.state == .dead && net.nodes[2].standing == .member)
    }

    @Test("Of two nodes of one name that come at once, the one whose key came later gives way")
    func namesAtOnce() {
        var net = KeysNet()
        net.start(name: "n")
        net.stopped = [0]
        net.start(name: "n")
        net.stopped = []
        net.run(9000)
        #expect(net.nodes[0].standing == .member)
        #expect(net.nodes[1].standing == .refused(.nameTaken))
    }

    @Test("Whether a name is taken is known when a node has seen its own key, and not before")
    func lateWatch() {
        var net = Self.net(1)
        (net.cut, net.lagging) = ([1], [1])
        net.start(name: "n")
        net.start(name: "n")
        net.cut = []
        net.run(500)
        #expect(net.record(1)?.state == .alive && net.nodes[2].standing == .member)
        #expect(net.nodes[1].standing == .joining(StableCode("registering")))
        net.catchUp()
        #expect(net.nodes[1].standing == .joining(StableCode("name_taken")))
        // Nor is it by what comes again after another connection, before all of it has.
        net.tell(1) { $0.disconnected(&$1) }
        net.tell(1) { $0.connected(KeysNet.epoch, &$1) }
        let own = StoreKey.node(KeysNet.incarnation(1))
        let bytes = net.keys[own]?.bytes
        let revision = net.keys[own]?.revision ?? .absent
        net.tell(1) { $0.watched(own, bytes, revision, &$1) }
        #expect(net.nodes[1].standing == .joining(StableCode("connecting")))
    }

    @Test("Whose key is not written for 10 s, or written and not seen, says so (docs/operating.md)")
    func unregistered() {
        for isWritten in [false, true] {
            var net = KeysNet()
            if isWritten { net.lagging = [0] } else { net.cut = [0] }
            net.start()
            net.run(10_000)
            #expect(net.nodes[0].standing == .joining(StableCode("registering")))
            net.run(100)
            let code: StaticString = isWritten ? "not_seen" : "not_written"
            #expect(net.nodes[0].standing == .joining(StableCode(code)))
            #expect((net.record(0) != nil) == isWritten)
            net.cut = []
            net.catchUp()
            net.run(6000)
            #expect(net.nodes[0].standing == .member)
        }
    }

    @Test("Whoever is not shown what lies in the bucket for 10 s says so (docs/operating.md)")
    func unwatched() {
        var net = Self.net(1)
        let configuration = ClusterNode.Configuration(
            nodeName: "n1", alike: [("issuer", "a")], membersPerRoomMax: 0)
        net.nodes.append(NodeKeys(configuration, KeysNet.incarnation(1)))
        net.said.append([])
        net.run(100)
        for isAgain in [false, true] {
            net.tell(1) { $0.connected(KeysNet.epoch, &$1) }
            net.run(10_000)
            #expect(net.nodes[1].standing == .joining(StableCode("connecting")), "\(isAgain)")
            net.run(100)
            #expect(net.nodes[1].standing == .joining(StableCode("not_watched")), "\(isAgain)")
            net.tell(1) { $0.disconnected(&$1) }
            #expect(net.nodes[1].standing == .joining(StableCode("connecting")), "\(isAgain)")
        }
    }

    @Test("Whose settings differ is refused by name")
    func settings() {
        var net = Self.net(1)
        net.start(issuer: "b")
        #expect(net.nodes[1].standing == .joining(StableCode("settings_differ")))
        net.run(8100)
        #expect(net.nodes[1].standing == .refused(.differs("issuer", from: "n0")))
        #expect(net.nodes[0].standing == .member)
    }

    @Test("Whoever leaves in order says so")
    func farewell() {
        var net = Self.net(2)
        net.tell(1) { $0.farewell(&$1) }
        net.run(100)
        #expect(net.nodes[1].standing == .left && net.record(1)?.state == .left)
        #expect(net.count(.died(KeysNet.incarnation(1)), 0) == 1)
        // And so does one that was declared dead meanwhile.
        net.start()
        net.stopped = [2]
        net.run(6000)
        net.stopped = []
        net.run(100)
        net.tell(2) { $0.farewell(&$1) }
        #expect(net.nodes[2].standing == .left && net.record(2)?.state == .dead)
        // An hour later nobody needs to know.
        net.stopped = [1, 2]
        net.run(3_608_000)
        #expect(net.keys[.node(KeysNet.incarnation(1))] == nil && net.nodes[0].gone.isEmpty)
    }

    @Test("What is no record under a node's key is written over by it, and is nobody's word")
    func garbage() {
        var net = Self.net(2)
        let late = NodeRecord(.dead, epoch: BucketEpoch(createdAt: 9, nonce: 9)).encoded
        for bytes in [[], [9, 9], late] as [[UInt8]] {
            net.set(1, .node(KeysNet.incarnation(0)), bytes)
            net.run(5000)
            #expect(net.nodes[0].standing == .member && net.nodes[0].mayWrite)
            #expect(net.record(0)?.state == .alive)
        }
        #expect(net.nodes[1].living == [KeysNet.incarnation(0)])
    }

    @Test("Who reached nobody for half an hour is dead, since nobody may know any more that it is")
    func longSilence() {
        var net = Self.net(1)
        net.cut = [0]
        net.run(1_790_000)
        #expect(net.nodes[0].standing == .lost)
        net.run(20_000)
        #expect(net.nodes[0].standing == .condemned)
    }

    @Test("Who can't read what others write takes no part")
    func newerFormat() {
        var net = KeysNet()
        var bytes = NodeRecord(.alive, epoch: KeysNet.epoch).encoded
        bytes[2] = 2
        net.set(0, .node(Incarnation(raw: 50)), bytes)
        net.start()
        #expect(net.nodes[0].standing == .refused(.formatTooNew(at: [])))
    }
}
