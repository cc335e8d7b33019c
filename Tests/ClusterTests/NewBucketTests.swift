import Cluster
import Testing

@Suite("A bucket that was made anew (docs/decisions/0036)")
struct NewBucketTests {
    private static func connected(_ nodes: Int, to count: Int) -> KeysNet {
        var net = NodeKeysTests.net(nodes)
        net.vanish()
        for node in 0..<count {
            net.nodes[node].hasWrittenBack = false
            net.connect(node)
        }
        return net
    }

    @Test("It is opened once all that are heard have written their members back, after 5 s")
    func barrier() {
        var net = Self.connected(2, to: 2)
        for node in 0...1 {
            #expect(net.count(.renewed(net.epoch), node) == 1)
            #expect(net.nodes[node].mayWrite && !net.nodes[node].mayAdmit)
            #expect(net.record(node)?.past == .member)
        }
        net.nodes[0].hasWrittenBack = true
        net.run(9000)
        #expect(net.keys[.open] == nil)
        net.nodes[1].hasWrittenBack = true
        net.run(700)
        for node in 0...1 {
            #expect(net.nodes[node].standing == .member)
            // Once for the bucket before.
            #expect(net.count(.restored, node) == 2)
        }
    }

    @Test("Whoever lived before and was not heard may not go on; who starts meanwhile may")
    func unlisted() {
        var net = Self.connected(2, to: 1)
        net.nodes[0].hasWrittenBack = true
        net.stopped = [1]
        net.run(5500)
        #expect(net.nodes[0].standing == .member)
        #expect(net.count(.died(KeysNet.incarnation(1)), 0) == 1)
        #expect(net.record(1)?.state == .dead)
        net.stopped = []
        net.connect(1)
        #expect(net.nodes[1].standing == .condemned && !net.nodes[1].mayWrite)
        net.start()
        #expect(net.nodes[2].standing == .member)
    }

    @Test("Whoever is not in the list ends as soon as it sees that, whatever its key says")
    func outsider() {
        var net = Self.connected(2, to: 2)
        net.stopped = [0]
        net.set(0, .open, OpenList(epoch: net.epoch, [KeysNet.incarnation(0)]).encoded)
        #expect(net.record(1)?.state == .alive && net.nodes[1].standing == .condemned)
        // Nobody else is there to write down what it was.
        net.tell(1) { $0.reborn(Incarnation(raw: 9), &$1) }
        net.run(1000)
        let old = net.keys[.node(KeysNet.incarnation(1))]?.bytes
        #expect(old.flatMap { try? NodeRecord($0) }?.state == .dead)
        #expect(net.nodes[1].standing == .member)
    }

    @Test("A node that slept does not open it for those alone that it heard since")
    func sleeper() throws {
        var net = Self.connected(3, to: 3)
        for node in 0...2 { net.nodes[node].hasWrittenBack = true }
        net.stopped = [0]
        net.cut = [1, 2]
        net.run(5000)
        (net.stopped, net.cut) = ([], [])
        // All others were alive all the time.
        net.run(1500)
        #expect(net.nodes.allSatisfy { $0.standing == .member })
        let open = try OpenList(#require(net.keys[.open]?.bytes))
        #expect(open.nodes.count == 3)
    }

    @Test("Who is dead stays dead, and comes as another")
    func oldDeaths() {
        var net = NodeKeysTests.net(2)
        net.stopped = [1]
        net.run(6000)
        #expect(net.record(1)?.state == .dead)
        net.vanish()
        net.connect(0)
        net.run(100)
        #expect(net.record(1)?.state == .dead)
        net.stopped = []
        net.connect(1)
        #expect(net.nodes[1].standing == .condemned)
    }

    @Test("What was written for another bucket counts for nothing")
    func lateWrites() throws {
        var net = KeysNet()
        let old = BucketEpoch(createdAt: 0, nonce: 0)
        let own = KeysNet.incarnation(0)
        net.set(0, .node(own), NodeRecord(.dead, epoch: old).encoded)
        net.set(0, .open, OpenList(epoch: old, [own]).encoded)
        net.start()
        net.run(400)
        #expect(net.record(0)?.state == .alive)
        #expect(net.nodes[0].standing == .joining(StableCode("opening")))
        net.run(5000)
        #expect(net.nodes[0].standing == .member)
        let open = try OpenList(#require(net.keys[.open]?.bytes))
        #expect(open.epoch == net.epoch)
    }
}
