import Admission
import AdmissionSupport
import Signalling
import Testing
import WebSocket

@testable import Relay

/// Resume (docs/protocol.md §3): what was missed comes exactly once, in order, on whatever loop.
@Suite(.inEachHome) struct V1ResumeTests {
    private let hub = Hub()

    /// Ann, on loop 0, and Bob, on loop 1, in room R; what came until now is read.
    private func pair() throws -> (ann: Client, bob: Client) {
        let (ann, bob) = (try hub.connect(subject: "ann"), try hub.connect(loop: 1))
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = (ann.take(), bob.take())
        return (ann, bob)
    }

    private func again(
        _ subject: String? = "ann", rooms: [String] = ["*"], loop: Int = 1
    ) throws -> Client {
        try hub.connect(subject: subject, rooms: rooms, loop: loop)
    }

    @Test(
        "A session lost and resumed keeps its id, replays what came, and the room is told nothing",
        arguments: [0, 1])
    func resume(loop: Int) throws {
        let (ann, bob) = try pair()
        let (id, old) = (ann.connection, ann.secret)
        ann.close(.lost)
        #expect(bob.send(#"{"n":1}"#, to: ann, ack: "1") == [numbered(2, "ack", #""ack":1"#)])
        bob.send(#"{"n":2}"#, to: ann)
        let back = try again(loop: loop)
        let told = back.resume(old, after: ann.seq)
        #expect(back.connection == id && back.secret != old)
        let stamp = #""connectionId":"\#(bob.connection)""#
        #expect(
            told == [
                resumed(back, seq: 5), numbered(4, "payload", stamp + #","n":1"#),
                numbered(5, "payload", stamp + #","n":2"#),
                roomState(6, "R", [listed(bob, "bob", polite: false)], polite: false),
            ])
        #expect(bob.take().isEmpty)
        #expect(bob.send("{}", to: back, ack: "2") == [numbered(3, "ack", #""ack":2"#)])
        #expect(back.take() == [numbered(7, "payload", stamp)])
        #expect(hub.service.sessionCount == 2 && hub.admission.ledger.total == 2)
    }

    @Test("What a dead socket swallowed is kept until it is found dead and the grace time is over")
    func keptForALostSocket() throws {
        // Three intervals without an answer, and 30 seconds to come back in.
        let (ann, bob) = try pair()
        bob.send(#"{"n":1}"#, to: ann)
        hub.wait(seconds: 3 * 25 + 29)
        ann.close(.lost)
        #expect(try again().resume(ann.secret, after: ann.seq - 1).count == 3)
        let (cat, dan) = (try hub.connect(subject: "cat"), try hub.connect(subject: "dan"))
        cat.join("S")
        dan.join("S")
        dan.send(#"{"n":1}"#, to: cat)
        hub.wait(seconds: 3 * 25 + 32)
        cat.close(.lost)
        let late = try again("cat").resume(cat.secret, after: cat.seq - 1)
        #expect(late == [refused(1, "resume_failed", #""resume""#)])
    }

    @Test("A secret that was used is known to nobody any more, and none is left behind at the end")
    func secrets() throws {
        let (ann, bob) = try pair()
        var secret = ann.secret
        for _ in 0..<5 {
            let back = try again()
            back.resume(secret, after: 0)
            secret = back.secret
        }
        #expect(hub.service.commons.sessions.secretCount == 2)
        bob.close(.peerClosed(code: 1000))
        hub.kick(ann)
        #expect(hub.service.sessionCount == 0)
        #expect(hub.service.commons.sessions.secretCount == 0)
    }

    @Test("The replay begins behind the event that the client names, however many it has seen")
    func replay() throws {
        let (ann, bob) = try pair()
        for number in 0..<5 { bob.send(#"{"n":\#(number)}"#, to: ann) }
        let sent = ann.take()
        ann.close(.peerClosed(code: 1001))
        let back = try again()
        let told = back.resume(ann.secret, after: 5)
        #expect(Array(told[1...3]) == Array(sent[2...]) && told.count == 5)
    }

    @Test("A secret is good for one resume, and the new connection's own is void after it")
    func once() throws {
        let (ann, _) = try pair()
        ann.close(.lost)
        let back = try again()
        let fresh = back.secret
        back.resume(ann.secret, after: 3)
        let thief = try again()
        #expect(
            thief.resume(ann.secret, after: 3) == [refused(1, "resume_failed", #""resume""#)])
        let other = try again()
        #expect(other.resume(fresh, after: 0) == [refused(1, "resume_failed", #""resume""#)])
        #expect(!back.isClosed)
        back.close(.lost)
        let third = try again(loop: 0)
        #expect(third.resume(back.secret, after: back.seq).count == 2)
    }

    @Test("An old socket that is still open is closed with 4509, and counts no more")
    func takeOver() throws {
        let (ann, bob) = try pair()
        let back = try again()
        #expect(back.resume(ann.secret, after: 3).count == 2)
        #expect(ann.closeCode == .replaced)
        #expect(bob.take().isEmpty)
        #expect(hub.admission.ledger.total == 2 && hub.service.sessionCount == 2)
        #expect(bob.send("{}", to: back, ack: "1").count == 1 && back.take().count == 1)
    }

    @Test("What the old socket still says after a resume elsewhere does nothing")
    func lateMessages() throws {
        let hub = Hub()
        let ann = try hub.connect(subject: "ann")
        ann.join("R", id: "ann")
        let back = try hub.connect(subject: "ann", loop: 1)
        // The close is still in loop 1's mail when loop 0 reads on.
        hub.net.isHeld = true
        back.resume(ann.secret, after: 2)
        ann.say(#"{"action":"leave-room","roomId":"R","ack":1}"#)
        ann.say("no JSON")
        #expect(ann.isOpen && hub.service.roomCount == 1)
        ann.close(.lost)
        #expect(hub.service.roomCount == 1 && hub.service.sessionCount == 1)
    }

    @Test(
        "Amiss: another client or subject, an unknown secret, a secret of a session that is over")
    func amiss() throws {
        let (ann, bob) = try pair()
        let failed = [refused(1, "resume_failed", #""resume""#)]
        ann.close(.lost)
        #expect(try again("eve").resume(ann.secret, after: 3) == failed)
        #expect(try again(nil).resume(ann.secret, after: 3) == failed)
        let stranger = try hub.connect(client: "b", subject: "ann")
        #expect(stranger.resume(ann.secret, after: 3) == failed)
        #expect(try again().resume("AAAAAAAAAAAAAAAAAAAAAA", after: 3) == failed)
        #expect(try again().resume("x", after: 3) == failed)
        #expect(bob.take().isEmpty)
        // None of these cost the session its secret.
        #expect(try again().resume(ann.secret, after: 3).count == 2)
        bob.close(.peerClosed(code: 1000))
        #expect(try again(nil).resume(bob.secret, after: 1) == failed)
    }

    @Test("resume is good only as the first message of a connection")
    func first() throws {
        let (ann, _) = try pair()
        ann.close(.lost)
        let back = try again()
        back.say(#"{"action":"ping"}"#)
        #expect(
            back.resume(ann.secret, after: 3) == [
                refused(2, "bad_request", #""resume""#, .resumeTooLate)
            ])
        let second = try again()
        second.say("{}")
        #expect(
            second.resume(ann.secret, after: 3) == [
                refused(2, "bad_request", #""resume""#, .resumeTooLate)
            ])
        #expect(try again().resume(ann.secret, after: 3).count == 2)
    }

    @Test("An ack of a resume comes behind the room_states, that of a failed one in its error")
    func ack() throws {
        let (ann, _) = try pair()
        ann.close(.lost)
        let back = try again()
        #expect(
            back.resume(ann.secret, after: 3, more: #","ack":"r""#).last
                == numbered(5, "ack", #""ack":"r""#))
    }

    @Test(
        "A resume from an event never sent, or no longer kept, ends the session: its room is told",
        arguments: [1000, 0])
    func unreachable(seq: Int) throws {
        let hub = Hub(RelayConfiguration(historyEventsMax: 2))
        let (ann, bob) = (try hub.connect(), try hub.connect(loop: 1))
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = (ann.take(), bob.take())
        ann.close(.lost)
        let back = try hub.connect(loop: 1)
        #expect(back.resume(ann.secret, after: seq) == [refused(1, "resume_failed", #""resume""#)])
        #expect(bob.take() == [left(2, "R", ann, "ann", "lost")])
        #expect(back.join("R", id: "ann").count == 1 && hub.service.sessionCount == 2)
    }

    @Test("Rooms that the new token does not grant are left, with the reason left")
    func grants() throws {
        let (ann, bob) = try pair()
        ann.join("S", id: "ann")
        bob.join("S", id: "bob")
        _ = (ann.take(), bob.take())
        ann.close(.lost)
        let back = try again(rooms: ["S"])
        let told = back.resume(ann.secret, after: ann.seq)
        #expect(told.count == 2 && told[1].contains(#""roomId":"S""#))
        #expect(bob.take() == [left(3, "R", ann, "ann", "left")])
    }

    @Test("A revoked token, or a disabled client's, resumes nothing")
    func revoked() throws {
        let (ann, bob) = try pair()
        ann.close(.lost)
        let back = try again()
        hub.world.revoke("ann")
        #expect(
            back.resume(ann.secret, after: 3) == [refused(1, "resume_failed", #""resume""#)])
        #expect(bob.take().isEmpty)
        hub.tell(.rightsChanged)
        #expect(back.closeCode == .revoked)
        #expect(bob.take() == [left(2, "R", ann, "ann", "kicked")])
        #expect(hub.service.sessionCount == 1)
    }

    @Test("Acks and errors that did not arrive are replayed with the rest")
    func answers() throws {
        let (ann, _) = try pair()
        let answer = ann.say(#"{"action":"ping","ack":7}"#)
        ann.close(.lost)
        let back = try again()
        #expect(Array(back.resume(ann.secret, after: 3)[1...2]) == answer)
    }

    @Test("A session may be resumed again and again, over both loops")
    func manyTimes() throws {
        let (ann, bob) = try pair()
        var client = ann
        for round in 0..<10 {
            client.close(.lost)
            bob.send(#"{"n":\#(round)}"#, to: client)
            let next = try again(loop: round % 2)
            let told = next.resume(client.secret, after: client.seq)
            #expect(told.count == 3 && told[1].contains(#""n":\#(round)"#))
            client = next
        }
        hub.wait(seconds: 60)
        #expect(bob.take().allSatisfy { !$0.contains("someone_left") })
    }
}

/// The time in which a lost session waits, and what is kept for it (docs/protocol.md §3, §5).
@Suite(.inEachHome) struct V1GraceTests {
    private func pair(_ hub: Hub) throws -> (ann: Client, bob: Client) {
        let (ann, bob) = (try hub.connect(), try hub.connect(loop: 1))
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = (ann.take(), bob.take())
        return (ann, bob)
    }

    @Test("In its grace a session counts as a member; when it is over the room gets lost")
    func grace() throws {
        let hub = Hub()
        let (ann, bob) = try pair(hub)
        ann.close(.lost)
        let cid = try hub.connect()
        #expect(cid.join("R").first?.contains(ann.connection) == true)
        _ = bob.take()
        hub.wait(seconds: 29)
        #expect(bob.take().isEmpty && hub.service.sessionCount == 3)
        hub.wait(seconds: 1)
        #expect(bob.take() == [left(3, "R", ann, "ann", "lost")])
        #expect(cid.take() == [left(2, "R", ann, "ann", "lost")])
        #expect(bob.send("{}", to: ann).first?.contains("unknown_target") == true)
        let back = try hub.connect()
        #expect(back.resume(ann.secret, after: 3).first?.contains("resume_failed") == true)
    }

    @Test(
        "Which ends are kept for a resume and which are final",
        arguments: [
            (SocketEnd.lost, nil), (.peerClosed(code: nil), nil), (.peerClosed(code: 1001), nil),
            (.peerClosed(code: 4000), nil), (.closedByUs(.goingAway), nil),
            (.closedByUs(.overloaded), nil), (.closedByUs(.tokenExpired), nil),
            (.closedByUs(.noPong), nil), (.closedByUs(.tooFast), nil),
            (.peerClosed(code: 1000), "closed"), (.closedByUs(.protocolError), "closed"),
            (.closedByUs(.unsupportedData), "closed"), (.closedByUs(.invalidPayload), "closed"),
            (.closedByUs(.tooBig), "closed"), (.closedByUs(.revoked), "kicked"),
            (.closedByUs(.replaced), "replaced"),
        ] as [(SocketEnd, String?)])
    func ends(end: SocketEnd, reason: String?) throws {
        let hub = Hub()
        let (ann, bob) = try pair(hub)
        ann.close(end)
        #expect(bob.take() == (reason.map { [left(2, "R", ann, "ann", $0)] } ?? []))
        let back = try hub.connect(loop: 1)
        let answer = back.resume(ann.secret, after: 3).first
        #expect(answer?.contains(#""type":"resumed""#) == (reason == nil))
    }

    @Test("A session in no room does not wait")
    func roomless() throws {
        let hub = Hub()
        let ann = try hub.connect()
        ann.close(.lost)
        #expect(hub.service.sessionCount == 0)
    }

    @Test("With a grace of 0 nobody waits")
    func noGrace() throws {
        let hub = Hub(RelayConfiguration(resumeGraceSeconds: 0))
        let (ann, bob) = try pair(hub)
        ann.close(.lost)
        #expect(bob.take() == [left(2, "R", ann, "ann", "lost")])
    }

    @Test(
        "A session that misses more events or bytes than are kept leaves with lost",
        arguments: [
            RelayConfiguration(historyEventsMax: 5), RelayConfiguration(historyBytesMax: 400),
            RelayConfiguration(detachedBytesMax: 2000),
        ])
    func overfull(configuration: RelayConfiguration) throws {
        let hub = Hub(configuration)
        let (ann, bob) = try pair(hub)
        ann.close(.lost)
        var answers: [String] = []
        for number in 0..<6 { answers += bob.send(#"{"n":\#(number)}"#, to: ann, ack: "1") }
        #expect(answers.first?.contains(#""ack""#) == true)
        #expect(answers.last?.contains("unknown_target") == true)
        hub.wait(seconds: 1)
        #expect(bob.take() == [left(8, "R", ann, "ann", "lost")])
    }

    @Test("What is kept for one who came back counts no more against what is kept for all")
    func released() throws {
        let hub = Hub(RelayConfiguration(detachedBytesMax: 8000))
        let bob = try hub.connect(seconds: 100_000, loop: 1)
        bob.join("R")
        var client = try hub.connect(seconds: 100_000)
        client.join("R", id: "ann")
        for _ in 0..<20 {
            client.close(.lost)
            bob.send(#"{"text":"\#(String(repeating: "x", count: 100))"}"#, to: client)
            let next = try hub.connect(seconds: 100_000, loop: 1)
            #expect(next.resume(client.secret, after: client.seq).count == 3)
            client = next
            hub.wait(seconds: 200)  // Old events are forgotten.
        }
    }

    @Test("One who reads too slowly from another loop is closed with 1013")
    func slow() throws {
        let hub = Hub(RelayConfiguration(outboundBytesMax: 2000))
        let (ann, bob) = try pair(hub)
        let socket = ann.socket
        let text = String(repeating: "x", count: 900)
        hub.net.isHeld = true
        for _ in 0..<3 {
            bob.say(#"{"action":"broadcast","roomId":"R","payload":{"t":"\#(text)"}}"#)
        }
        hub.net.isHeld = false
        hub.net.run()
        #expect(ann.closeCode == .overloaded && ann.socket == socket)
        let back = try hub.connect(loop: 1)
        #expect(back.resume(ann.secret, after: 3).count == 5)
        #expect(bob.take().isEmpty)
    }
}
