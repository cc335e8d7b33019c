import Bytes
import Cluster
import Identifiers
import Rooms
import Sessions
import Signalling
import Testing

@Suite("What nodes tell one another of themselves (docs/decisions/0036)")
struct NodeReportTests {
    @Test("Each node knows all that live, what they have, and who died")
    func roster() {
        var scene = ClusterScene(2)
        let report = NodeReport(
            connections: 3, sessions: 2, rooms: 1, messages: 1 << 40, natsServer: "[::1]:4222",
            storeMilliseconds: 0)
        scene.nodes[1].report = report
        scene.run(500)
        let (own, other) = (scene.nodes[0].roster.first, scene.nodes[0].roster.last)
        #expect(own?.isSelf == true && own?.name == "n0" && own?.state == .alive)
        #expect(other?.isSelf == false && other?.name == "n1" && other?.silence ?? 9999 < 500)
        #expect(own?.report == NodeReport() && own?.standing == .member && own?.reads == 1)
        #expect(other?.report == report && other?.standing == .member && other?.reads == 1)
        #expect(own?.waiting == nil && other?.waiting?.mails == 0)
        #expect(own?.isDraining == false && other?.isDraining == false)
        scene.nodes[1].isStopping = true
        scene.run(1500)
        let stopping = scene.nodes[0].roster.last
        #expect(stopping?.standing == .stopping && stopping?.isDraining == true)
        scene.give(1, .drain([]))
        scene.run(1500)
        let draining = scene.nodes[0].roster.last
        #expect(draining?.standing == .member && draining?.isDraining == true)
        scene.cut = [1]
        scene.run(4000)
        let (cut, later) = (scene.nodes[1].roster.last, scene.nodes[0].roster.last)
        #expect(cut?.isSelf == true && cut?.standing == .cutOff && cut?.isDraining == true)
        #expect(later?.standing == .cutOff && later?.isDraining == true)
        scene.killed = [1]
        scene.run(6000)
        let dead = scene.nodes[0].roster.last
        #expect(dead?.state == .dead && dead?.standing == nil && dead?.waiting == nil)
        #expect(dead?.report == NodeReport() && dead?.reads == 1)
    }

    @Test("What waits for an answer of another node is known, in mails, bytes and time")
    func waiting() {
        var scene = ClusterScene(2)
        scene.join(0, 1)
        scene.join(1, 2)
        scene.run(300)
        let frames = scene.nodes[0].counted
        scene.mute = [1]
        let isSaid = scene.say(0, 1, to: 2, at: 1)
        #expect(isSaid)
        scene.run(1000)
        let waiting = scene.nodes[0].roster.last?.waiting
        #expect(waiting?.mails == 1 && waiting?.bytes ?? 0 > 50)
        #expect((800...1000).contains(waiting?.oldestMilliseconds ?? 0))
        scene.mute = []
        scene.run(2000)
        #expect(scene.nodes[0].roster.last?.waiting?.mails == 0)
        #expect(scene.nodes[0].counted.framesSent > frames.framesSent)
        #expect(scene.nodes[0].counted.framesReceived > frames.framesReceived)
    }

    @Test("A node of a later version may say more in mails, in its beats and in its key")
    func laterVersion() throws {
        var scene = ClusterScene(1)
        let (own, other) = (scene.nodes[0].incarnation, Incarnation(raw: 9))
        let record = NodeRecord(
            .alive, epoch: ClusterScene.epoch, nodeName: "later", reads: 7, more: [1, 2, 3])
        scene.give(0, .bus(.watched(.node(other), record.encoded, Revision(raw: 1 << 40))))
        for _ in 0..<60 {
            let beat = Heartbeat(
                other, restored: ClusterScene.epoch, nodeName: "later",
                version: "2", report: NodeReport(messages: 5), standing: 9, more: [4, 5, 6])
            scene.give(0, .bus(.heartbeat(beat.encoded)))
            scene.run(100)
        }
        let later = try #require(scene.nodes[0].roster.first { $0.name == "later" })
        #expect(later.state == .alive && later.report.messages == 5 && later.reads == 7)
        #expect(later.standing == nil)
        var line = ClusterLine(from: other, to: own)
        let mail = try #require(LaterMail(kind: 200, [1, 2, 3]))
        for mail in [
            .kick(number: 1, ConnectionID(raw: 1)), .later(mail),
            .kick(number: 2, ConnectionID(raw: 2)),
        ] as [ClusterMail] { line.push(mail) }
        let frame = line.nextFrame()
        scene.give(0, .bus(.frame(try #require(frame))))
        scene.run(300)
        #expect(scene.has(0, .kick(ConnectionID(raw: 1))))
        #expect(scene.has(0, .kick(ConnectionID(raw: 2))))
        let counted = scene.nodes[0].counted
        #expect(counted.passedOver == 1 && counted.unreadable == 0)
        for case .frame(let bytes, to: other) in scene.said[0] {
            _ = line.receive(try ClusterFrame(bytes))
        }
        #expect(line.isIdle)
    }
}
