import Cluster
import Rooms
import Signalling
import Testing

@Suite("What is told with joins, between nodes (docs/decisions/0036)")
struct SDPTests {
    private static let (one, two) = (Incarnation(raw: 1), Incarnation(raw: 2))

    private static func mails(_ scene: ClusterScene, _ node: Int) -> [ClusterMail] {
        scene.said[node].flatMap { effect -> [ClusterMail] in
            guard case .frame(let bytes, _) = effect, let frame = try? ClusterFrame(bytes) else {
                return []
            }
            return frame.line.mails
        }
    }

    @Test("Each goes to each node once, however many versions follow before it is admitted")
    func once() {
        var scene = ClusterScene(2)
        scene.join(1, 99)
        scene.mute = [1]
        for id in 1...20 as ClosedRange<UInt64> {
            scene.join(0, id, sdp: Array(repeating: UInt8(id), count: 2000))
        }
        let sent = Self.mails(scene, 0).flatMap { mail -> [ConnectionID] in
            guard case .document(_, _, _, let sdps) = mail else { return [] }
            return sdps.map(\.connection)
        }
        #expect(sent.sorted() == (1...20).map { ConnectionID(raw: $0) })
        scene.mute = []
        scene.run(1000)
        for id in 1...20 as ClosedRange<UInt64> {
            let isIn = scene.has(0, scene.admitted(id))
            #expect(isIn)
        }
        let told = scene.said[1].compactMap { effect -> [UInt8]?? in
            if case .tell(_, _, .joined, let sdp) = effect { .some(sdp) } else { nil }
        }
        #expect(told.count == 20 && told.allSatisfy { $0?.count == 2000 })
    }

    @Test("Who is the first of its node asks for nothing of those who were there before")
    func noQuestions() {
        var scene = ClusterScene(2)
        for id in 1...3 as ClosedRange<UInt64> { scene.join(0, id, sdp: [1]) }
        scene.join(1, 99)
        scene.run(500)
        #expect(scene.has(1, scene.admitted(99)))
        let isAsked = Self.mails(scene, 1).contains { if case .askSDP = $0 { true } else { false } }
        #expect(!isAsked)
    }

    @Test("Of each room one version waits for a node that is silent")
    func silence() throws {
        let room = ClusterScene.room.digest
        let document = Array(repeating: 1 as UInt8, count: 100_000)
        var line = ClusterLine(from: Self.one, to: Self.two)
        var other = ClusterLine(from: Self.two, to: Self.one)
        // It has as much on its way as it may.
        for number in 0..<30 as Range<UInt64> {
            line.push(.document(room, Revision(raw: number), document, sdps: []))
        }
        while line.nextFrame() != nil {}
        for number in 100..<2000 as Range<UInt64> {
            let sdp = JoinerSDP(ConnectionID(raw: number), Array(repeating: 2, count: 1000))
            line.offer(room, Revision(raw: number), document, sdps: [sdp]) { $0.raw > 1990 }
        }
        // An older one that comes late takes nobody's place.
        line.offer(room, Revision(raw: 50), [], sdps: []) { _ in true }
        var heard: [ClusterMail] = []
        for _ in 0..<100 where !line.isIdle {
            line.tick()
            while let bytes = line.nextFrame() {
                heard += other.receive(try ClusterFrame(bytes)).mails
            }
            while let bytes = other.nextFrame() { _ = line.receive(try ClusterFrame(bytes)) }
        }
        #expect(line.isIdle && heard.count == 31)
        guard case .document(_, let revision, document, let sdps)? = heard.last else {
            Issue.record("no version of the room")
            return
        }
        #expect(revision == Revision(raw: 1999))
        #expect(sdps.map(\.connection.raw) == Array(1991...1999))
    }
}
