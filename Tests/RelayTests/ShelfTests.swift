import Admission
import AdmissionSupport
import Locking
import Relay
import Sessions
import Signalling
import Testing
import WebSocket

/// What outlives an orderly restart (docs/protocol.md §3).
@Suite("Sessions outlive an orderly restart")
struct RelayShelfTests {
    private let hub = Hub()

    private func meet(subjects: Bool = true) throws -> (Client, Client, Client) {
        try hub.meet(subjects: subjects)
    }

    @Test("Ids, rooms, order and events are as they were; classic peers have left")
    func resume() throws {
        let (ann, bob, carl) = try meet()
        bob.close(.lost)
        ann.send(#"{"n":1}"#, to: bob, ack: "1")
        #expect(try hub.restart() == .init(count: 2))
        #expect(hub.service.sessionCount == 2 && hub.service.roomCount == 1)
        let members = hub.service.rooms().flatMap(\.members).map(\.peerID)
        #expect(members == ["ann", "bob"])

        let back = try hub.connect(subject: "bob", loop: 0)
        #expect(
            back.resume(bob.secret, after: bob.seq) == [
                resumed(back, seq: 4),
                numbered(3, "payload", #""connectionId":"\#(ann.connection)","n":1"#),
                left(4, "R", carl, "carl", "lost"),
                roomState(5, "R", [listed(ann, "ann")]),
            ])
        #expect(back.connection == bob.connection)
        let other = try hub.connect(subject: "ann", loop: 1)
        let told = other.resume(ann.secret, after: ann.seq)
        #expect(told.count == 3 && told[1] == left(ann.seq + 1, "R", carl, "carl", "lost"))
        other.send(#"{"n":2}"#, to: back)
        #expect(
            back.take() == [
                numbered(6, "payload", #""connectionId":"\#(ann.connection)","n":2"#)
            ])
    }

    @Test("The same secret resumes once, before and after any number of restarts")
    func secrets() throws {
        let (ann, _, _) = try meet()
        let first = ann.secret
        try hub.restart()
        let back = try hub.connect(subject: "ann")
        back.resume(first, after: ann.seq)
        let second = back.secret
        try hub.restart()
        let thief = try hub.connect(subject: "ann")
        #expect(thief.resume(first, after: 0) == [refused(1, "resume_failed", #""resume""#)])
        let again = try hub.connect(subject: "ann")
        #expect(again.resume(second, after: back.seq).count == 2)
        #expect(hub.service.sessionCount == 3)
    }

    @Test("Newcomers before anybody is back are not the first, and everybody is told of them")
    func newcomer() throws {
        let (ann, _, _) = try meet()
        try hub.restart()
        let dora = try hub.connect(subject: "dora")
        let told = dora.join("R", id: "dora")
        #expect(told.count == 1 && told[0].utf8.count > 100)
        #expect(told[0].contains("ann") && told[0].contains("bob") && !told[0].contains("carl"))
        let back = try hub.connect(subject: "ann")
        let replay = back.resume(ann.secret, after: ann.seq)
        #expect(replay.count == 4 && replay[2].contains("someone_joined"))
    }

    @Test("Who does not come back is lost when its time, counted anew, is over")
    func lost() throws {
        let (ann, _, _) = try meet()
        let shelf = hub.stop()
        hub.wait(seconds: 29)
        try hub.start(with: shelf?.bytes)
        let back = try hub.connect(subject: "ann")
        back.resume(ann.secret, after: ann.seq)
        hub.wait(seconds: 28)
        #expect(back.take().isEmpty)
        hub.wait(seconds: 4)
        let told = back.take()
        #expect(told.count == 1 && told[0].contains(#""peerId":"bob","reason":"lost""#))
    }

    @Test(
        "Until it was resumed a place gives way to the same id of the same subject",
        arguments: [(true, "bob"), (false, nil)])
    func givesWay(subjects: Bool, subject: String?) throws {
        let (ann, _, _) = try meet(subjects: subjects)
        try hub.restart()
        let back = try hub.connect(subject: subjects ? "ann" : nil)
        back.resume(ann.secret, after: ann.seq)
        let anew = try hub.connect(subject: subject)
        #expect(anew.join("R", id: "bob").count == 1)
        let told = back.take()
        #expect(told.count == 2 && told[0].contains(#""peerId":"bob","reason":"replaced""#))
        #expect(told[1].contains("someone_joined"))
        // Of a place that was claimed the ordinary rule holds.
        let other = try hub.connect(subject: subjects ? "eve" : nil)
        #expect(other.join("R", id: "ann") == [refused(1, "peer_id_taken", #""join-room""#)])
    }

    @Test("A place gives way to nobody else")
    func keepsPlace() throws {
        _ = try meet()
        try hub.restart()
        for subject in ["eve", nil] {
            let other = try hub.connect(subject: subject)
            #expect(other.join("R", id: "bob") == [refused(1, "peer_id_taken", #""join-room""#)])
        }
    }

    @Test("Revoked and disabled meanwhile, a session is kicked before anybody comes")
    func revoked() throws {
        let (ann, bob, _) = try meet()
        let shelf = hub.stop()
        hub.world.revoke("bob")
        #expect(try hub.start(with: shelf?.bytes) == .init(count: 1, revoked: 1))
        #expect(hub.service.rooms().flatMap(\.members).map(\.peerID) == ["ann"])
        let back = try hub.connect(subject: "ann")
        let told = back.resume(ann.secret, after: ann.seq)
        #expect(told[2] == left(ann.seq + 2, "R", bob, "bob", "kicked"))
        hub.world.disable("a")
        #expect(try hub.restart() == .init(count: 0, revoked: 1))
        #expect(hub.service.sessionCount == 0 && hub.service.roomCount == 0)
        #expect(hub.service.heldBytes == 0)
    }

    @Test("Sessions in no room, or that may not wait, are not kept")
    func nothing() throws {
        _ = try hub.connect(subject: "ann")
        #expect(try hub.restart() == nil)
        let short = Hub(RelayConfiguration(resumeGraceSeconds: 0))
        try short.connect(subject: "ann").join("R")
        #expect(short.stop() == nil)
        // Nor are they put back where the next process does not wait.
        let (_, _, _) = try meet()
        let shelf = hub.stop()
        #expect(try hub.start({ $0.resumeGraceSeconds = 0 }, with: shelf?.bytes) == .init())
        #expect(hub.service.sessionCount == 0)
    }

    @Test("Who ends while the shelf is filled is told of to those who are on it")
    func endsMeanwhile() throws {
        let hub = Hub(RelayConfiguration(historyEventsMax: 3))
        let peers = try ["ann", "bob", "cid"].map { try hub.connect(subject: $0) }
        for (peer, id) in zip(peers, ["ann", "bob", "cid"]) { peer.join("R", id: id) }
        for peer in peers { _ = peer.take() }
        let (ann, bob, cid) = (peers[0], peers[1], peers[2])
        ann.close(.lost)
        bob.close(.lost)
        for _ in 0..<3 { cid.send("{}", to: ann) }
        // One too many: Bob ends at his loop's next look, which does not come. Ann is told of that,
        // which is one too many for her.
        for _ in 0..<4 { cid.send("{}", to: bob) }
        let (session, seq) = (cid.secret, cid.seq)
        let shelf = try #require(hub.stop())
        #expect(shelf.count == 1 && hub.service.sessionCount == 1)
        try hub.start(with: shelf.bytes)
        #expect(hub.service.rooms().flatMap(\.members).map(\.peerID) == ["cid"])
        let told = try hub.connect(subject: "cid").resume(session, after: seq)
        #expect(
            Array(told.dropFirst().prefix(2)) == [
                left(Int(seq) + 1, "R", bob, "bob", "lost"),
                left(Int(seq) + 2, "R", ann, "ann", "lost"),
            ])
    }

    @Test("Places count against limits as before")
    func limits() throws {
        let (ann, _, _) = try meet()
        let shelf = hub.stop()
        try hub.start(
            limits: AdmissionConfiguration(connectionsPerSubjectMax: 1), with: shelf?.bytes)
        // Over the limit the oldest place of the subject makes room.
        let anew = try hub.connect(subject: "ann")
        anew.join("S", id: "ann")
        #expect(hub.service.sessionCount == 2)
        let late = try? hub.connect(subject: "bob")
        #expect(late?.resume(ann.secret, after: 0) == [refused(1, "resume_failed", #""resume""#)])
    }

    @Test("What does not fit is dropped: sent events first, whole sessions last")
    func budget() throws {
        let (ann, bob, _) = try meet()
        let text = String(repeating: "x", count: 1000)
        for _ in 0..<20 { ann.send(#"{"t":"\#(text)"}"#, to: bob) }
        let shelf = hub.stop()
        let small = try hub.start({ $0.detachedBytesMax = 40_000 }, with: shelf?.bytes)
        #expect(small == .init(count: 1, dropped: 1))
        // The process that stops keeps to its own limits.
        let other = Hub(RelayConfiguration(detachedBytesMax: 40_000))
        let (cat, dan) = (try other.connect(subject: "cat"), try other.connect(subject: "dan"))
        cat.join("R", id: "cat")
        dan.join("R", id: "dan")
        for _ in 0..<20 { cat.send(#"{"t":"\#(text)"}"#, to: dan) }
        let kept = try #require(other.stop())
        #expect(kept.count == 2 && kept.dropped.sessions.isEmpty && kept.dropped.events > 5)
        #expect(try other.start(with: kept.bytes) == .init(count: 2))
    }

    @Test("A shelf that is torn, too old, from the future or of another version is refused whole")
    func faults() throws {
        _ = try meet()
        let bytes = try #require(hub.stop()?.bytes)
        var flipped = bytes
        flipped[bytes.count / 2] ^= 1
        #expect(throws: ShelfFault.torn) { try hub.start(with: flipped) }
        #expect(throws: ShelfFault.torn) { try hub.start(with: Array(bytes.dropLast())) }
        #expect(hub.service.sessionCount == 0)
        hub.world.state.withLock { $0.now -= 11 }
        #expect(throws: ShelfFault.clock) { try hub.start(with: bytes) }
        hub.world.state.withLock { $0.now += 11 + 601 }
        #expect(throws: ShelfFault.tooOld) { try hub.start(with: bytes) }
        hub.world.state.withLock { $0.now -= 1 }
        #expect(try hub.start(with: bytes) == .init(count: 2))
    }
}
