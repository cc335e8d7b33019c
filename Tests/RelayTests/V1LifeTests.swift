import Admission
import AdmissionSupport
import Locking
import Relay
import Testing
import Tokens
import WebSocket

/// Tokens that end or are replaced, ages, and the first message (docs/protocol.md §3, §4, §5).
@Suite(.inEachHome) struct V1TokenTests {
    private let hub = Hub()

    @Test(
        "token_expiring comes 30 s before the end, or at half of a shorter life; then 4401",
        arguments: [(Int64(600), Int64(570)), (60, 30), (40, 20), (10, 5)])
    func expiring(seconds: Int64, noticeAt: Int64) throws {
        let ann = try hub.connect(seconds: seconds)
        ann.join("R")
        _ = ann.take()
        hub.wait(seconds: noticeAt - 1)
        #expect(ann.take().isEmpty)
        hub.wait(seconds: 1)
        let event = numbered(3, "token_expiring", #""expiresAt":\#(1_000_000 + seconds)"#)
        #expect(ann.take() == [event])
        hub.wait(seconds: seconds - noticeAt - 1)
        #expect(ann.take().isEmpty && !ann.isClosed)
        hub.wait(seconds: 1)
        #expect(ann.closeCode == .tokenExpired && hub.service.roomCount == 1)
        #expect(try hub.connect(loop: 1).resume(ann.secret, after: 3).count == 2)
    }

    @Test("A fresh token takes the old one's place, and the clock begins anew")
    func refresh() throws {
        let ann = try hub.connect(seconds: 60)
        ann.join("R")
        _ = ann.take()
        hub.wait(seconds: 40)
        #expect(ann.take().count == 1)
        let token = try hub.world.token()
        #expect(
            ann.say(#"{"action":"refresh-token","token":"\#(token)","ack":1}"#)
                == [numbered(4, "ack", #""ack":1"#)])
        hub.wait(seconds: 569)
        #expect(ann.take().isEmpty)
        hub.wait(seconds: 1)
        #expect(ann.take().count == 1 && !ann.isClosed)
    }

    @Test("After a refresh rooms that the new token does not grant are left, others may be joined")
    func refreshedRooms() throws {
        let ann = try hub.connect(rooms: ["a", "b"])
        let bob = try hub.connect(loop: 1)
        for room in ["a", "b"] {
            ann.join(room, id: "ann")
            bob.join(room, id: "bob")
        }
        _ = (ann.take(), bob.take())
        #expect(ann.join("c").first?.contains("room_forbidden") == true)
        let token = try hub.world.token(rooms: ["b", "c"])
        ann.say(#"{"action":"refresh-token","token":"\#(token)"}"#)
        #expect(bob.take() == [left(3, "a", ann, "ann", "left")])
        #expect(ann.join("a").first?.contains("room_forbidden") == true)
        #expect(ann.join("c").count == 2)
    }

    @Test(
        "A token of another client or subject, without signal, revoked or forged is invalid_token")
    func invalid() throws {
        let ann = try hub.connect(subject: "ann", seconds: 60)
        let world = hub.world
        let tokens = try [
            "forged", world.token(), world.token(subject: "eve"),
            world.token(client: "b", subject: "ann"), world.token(subject: "ann", scopes: ["x"]),
            world.token(
                subject: "ann", scopes: ["session"], kind: .session),
        ]
        for (index, token) in tokens.enumerated() {
            #expect(
                ann.say(#"{"action":"refresh-token","token":"\#(token)","ack":1}"#)
                    == [refused(index + 1, "invalid_token", #""refresh-token""#, ack: "1")])
        }
        let token = try world.token(subject: "ann")
        world.revoke("jti\(world.state.withLock { $0.tokens.count - 1 })")
        #expect(
            ann.say(#"{"action":"refresh-token","token":"\#(token)"}"#)
                == [refused(7, "invalid_token", #""refresh-token""#)])
        hub.wait(seconds: 60)
        #expect(ann.closeCode == .tokenExpired)
    }

    @Test("Tokens that take the loop's time are few: over a burst of them it is 4429")
    func manyTokens() throws {
        let ann = try hub.connect()
        for _ in 0..<16 { ann.say(#"{"action":"refresh-token","token":"x"}"#) }
        #expect(!ann.isClosed)
        hub.wait(seconds: 1)
        ann.say(#"{"action":"refresh-token","token":"x"}"#)
        #expect(!ann.isClosed)
        ann.say(#"{"action":"refresh-token","token":"x"}"#)
        #expect(ann.closeCode == .tooFast)
    }
}

@Suite(.inEachHome) struct AgeTests {
    @Test(
        "A connection that says nothing within 60 s is closed with 4408", arguments: [true, false])
    func firstMessage(isV1: Bool) throws {
        let hub = Hub()
        let (ann, bob) = (try hub.connect(isV1: isV1), try hub.connect(isV1: isV1, loop: 1))
        bob.say("{}")
        hub.wait(seconds: 59)
        #expect(!ann.isClosed)
        hub.wait(seconds: 1)
        #expect(ann.closeCode == .noPong && !bob.isClosed)
    }

    @Test(
        "A connection is closed with 1001 at its dialect's maximum age; 0 means none",
        arguments: [(true, 70), (false, 50)])
    func age(isV1: Bool, seconds: Int64) throws {
        let hub = Hub(RelayConfiguration(maxAgeSeconds: 50, maxV1AgeSeconds: 70))
        let ann = try hub.connect(isV1: isV1)
        ann.join("R")
        hub.wait(seconds: seconds - 1)
        #expect(!ann.isClosed)
        hub.wait(seconds: 1)
        #expect(ann.closeCode == .goingAway)
        #expect(hub.service.roomCount == (isV1 ? 1 : 0))

        let ageless = Hub(
            RelayConfiguration(maxAgeSeconds: 0, maxV1AgeSeconds: 0, firstMessageSeconds: 0))
        let bob = try ageless.connect(seconds: 100_000, isV1: isV1)
        ageless.wait(seconds: 300)
        #expect(!bob.isClosed)
    }
}

/// The same peer id twice among v1 peers (docs/protocol.md §2).
@Suite(.inEachHome) struct V1SamePeerTests {
    private let hub = Hub()

    @Test("With the same subject the newer replaces the older, in all rooms, with 4509")
    func replaced() throws {
        let bob = try hub.connect()
        let old = try hub.connect(subject: "ann")
        for room in ["R", "S"] {
            bob.join(room, id: "bob")
            old.join(room, id: "ann")
        }
        let classic = try hub.connect(isV1: false)
        classic.join("R", id: "c")
        _ = (bob.take(), old.take(), classic.take())
        let new = try hub.connect(subject: "ann", loop: 1)
        let state = roomState(1, "R", [listed(bob, "bob"), listed(classic, "c")])
        #expect(new.join("R", id: "ann") == [state])
        #expect(old.closeCode == .replaced && old.take().isEmpty)
        let told = bob.take()
        #expect(
            told == [
                left(8, "R", old, "ann", "replaced"),
                numbered(9, "someone_joined", joined(new, "ann", own: "bob")),
                left(10, "S", old, "ann", "replaced"),
            ])
        #expect(classic.take().count == 1)
        #expect(hub.service.sessionCount == 2)
    }

    @Test("A session that waits for its client is replaced too, and can't be resumed")
    func replacedAway() throws {
        let bob = try hub.connect()
        bob.join("R", id: "bob")
        let old = try hub.connect(subject: "ann")
        old.join("R", id: "ann")
        old.join("S", id: "ann")
        old.close(.lost)
        _ = bob.take()
        let new = try hub.connect(subject: "ann", loop: 1)
        new.join("R", id: "ann")
        #expect(bob.take().count == 2)
        let back = try hub.connect(subject: "ann")
        #expect(back.resume(old.secret, after: 5).first?.contains("resume_failed") == true)
        #expect(hub.service.roomCount == 1)
    }

    @Test("Otherwise the newcomer gets peer_id_taken, and nobody else is told")
    func taken() throws {
        let (ann, bob) = (try hub.connect(), try hub.connect(loop: 1))
        ann.join("R", id: "x")
        _ = ann.take()
        #expect(bob.join("R", id: "x") == [refused(1, "peer_id_taken", #""join-room""#)])
        let eve = try hub.connect(subject: "eve")
        #expect(eve.join("R", id: "x") == [refused(1, "peer_id_taken", #""join-room""#)])
        #expect(ann.take().isEmpty && !ann.isClosed)
        #expect(bob.join("R", id: "y").count == 1)
    }
}

/// What operators do (docs/protocol.md §4).
@Suite(.inEachHome) struct V1NoteTests {
    private let hub = Hub()

    @Test("Kicked is 4501 and kicked, wherever the peer is and in either dialect")
    func kick() throws {
        let bob = try hub.connect()
        bob.join("R", id: "bob")
        let here = try hub.connect(loop: 1)
        let away = try hub.connect(loop: 1)
        let classic = try hub.connect(isV1: false, loop: 1)
        for (peer, id) in [(here, "here"), (away, "away"), (classic, "classic")] {
            peer.join("R", id: id)
        }
        away.close(.lost)
        _ = bob.take()
        for (seq, peer) in [(6, here), (7, away), (8, classic)] {
            let name = seq == 6 ? "here" : seq == 7 ? "away" : "classic"
            hub.kick(peer)
            #expect(bob.take() == [left(seq, "R", peer, name, "kicked")])
        }
        #expect(here.closeCode == .revoked && classic.closeCode == .revoked)
        #expect(hub.service.sessionCount == 1 && hub.admission.ledger.total == 1)
        hub.kick(here)
        #expect(bob.take().isEmpty)
    }

    @Test("Revocation reaches attached and waiting sessions, and the token that counts now")
    func revocation() throws {
        let bob = try hub.connect()
        let ann = try hub.connect(subject: "ann", loop: 1)
        let away = try hub.connect(subject: "away")
        for (peer, id) in [(bob, "bob"), (ann, "ann"), (away, "away")] { peer.join("R", id: id) }
        let first = "jti\(hub.world.state.withLock { $0.tokens.count } - 2)"
        let token = try hub.world.token(subject: "ann")
        ann.say(#"{"action":"refresh-token","token":"\#(token)"}"#)
        away.close(.lost)
        _ = bob.take()
        hub.world.revoke(first)
        hub.tell(.rightsChanged)
        #expect(!ann.isClosed)
        hub.world.revoke("ann")
        hub.world.revoke("away")
        hub.tell(.rightsChanged)
        #expect(ann.closeCode == .revoked && !bob.isClosed)
        let told = bob.take()
        #expect(told.count == 2 && told.allSatisfy { $0.contains("kicked") })
        #expect(hub.service.sessionCount == 1)
    }

    @Test("A v1 connection whose client was disabled before it opened is closed at once")
    func disabledBetween() throws {
        let token = try hub.world.token()
        let admission = try #require(hub.admission(token: token))
        hub.world.disable("a")
        let ann = Client()
        #expect(hub.asked { hub.open(ann, admission) } == [.close(ann.socket, .revoked)])
        #expect(hub.service.sessionCount == 0 && hub.admission.ledger.total == 0)
    }

    @Test("draining is told to v1 peers alone")
    func draining() throws {
        let (ann, old) = (try hub.connect(), try hub.connect(isV1: false, loop: 1))
        hub.tell(.draining(withinSeconds: 10))
        #expect(ann.take() == [numbered(1, "draining", #""reconnectWithinSeconds":10"#)])
        #expect(old.take().isEmpty)
    }
}

/// A connection goes to the loop of the first room it joins.
@Suite(.inEachHome) struct MovingTests {
    private let hub = Hub(RelayConfiguration(), loops: 3, isMoving: true)

    @Test("Members of one room share a loop after their first join, whatever their dialect")
    func together() throws {
        let peers = try (0..<6).map { try hub.connect(isV1: $0 % 2 == 0, loop: $0 % 3) }
        let ids = peers.map(\.connection)
        for peer in peers { peer.join("R") }
        #expect(Set(peers.map(\.socket.loop)).count == 1)
        #expect(peers.map(\.connection) == ids)
        for peer in peers { _ = peer.take() }
        #expect(peers[1].send("{}", to: peers[0]).isEmpty)
        #expect(peers[0].take().count == 1)
        #expect(hub.service.rooms().first?.members.count == 6)
        peers[0].join("S")
        peers[1].join("S")
        #expect(Set(peers.map(\.socket.loop)).count == 1)
        for peer in peers { peer.close(.peerClosed(code: 1000)) }
        #expect(hub.admission.ledger.total == 0 && hub.service.sessionCount == 0)
    }

    @Test("Who may not join is not moved, and may be at a later join")
    func forbidden() throws {
        for loop in 0..<3 {
            let ann = try hub.connect(rooms: ["R"], loop: loop)
            #expect(ann.join("no") == [refused(1, "room_forbidden", #""join-room""#)])
            #expect(ann.socket.loop == loop)
            ann.join("R", id: "\(loop)")
        }
        #expect(hub.service.rooms().first?.members.count == 3)
    }

    @Test("Numbers go on over a move, and age and refused messages move along")
    func goesOn() throws {
        for loop in 0..<3 {
            let ann = try hub.connect(loop: loop)
            ann.say("{}")
            hub.wait(seconds: 10)
            let numbers = #""seq":\#(loop == 0 ? 3 : 2)"#
            #expect(ann.join("R", id: "\(loop)").last?.contains(numbers) == true)
            ann.close(.lost)
            #expect(hub.world.log.last?.contains("seconds=10 refused_messages=1") == true)
        }
    }

    @Test("A client that is disabled on the way is closed on arrival; one that never arrives ends")
    func onTheWay() throws {
        hub.net.isHeld = true
        for isV1 in [true, false] {
            for loop in 1..<3 {
                let ann = try hub.connect(isV1: isV1, loop: loop)
                ann.join("R")
                #expect(!ann.isOpen)
                hub.world.disable("a")
                #expect(hub.asked { hub.net.run() }.contains(.close(ann.socket, .revoked)))
                #expect(ann.isClosed && ann.socket.loop == 0)
                hub.world.enable("a")
            }
        }
        let before = hub.service.sessionCount
        for loop in 0..<3 {
            let ann = try hub.connect(loop: loop)
            ann.join("Q")
            #expect(ann.isOpen == (loop == 1))
            if ann.isOpen { ann.close(.peerClosed(code: 1000)) }
            hub.loops[loop].dropMail()
        }
        #expect(hub.service.sessionCount == before)
    }
}
