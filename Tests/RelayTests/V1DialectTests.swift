import AdmissionSupport
import Bytes
import Identifiers
import Locking
import Relay
import Signalling
import Testing
import WebSocket

/// The messages and events of docs/protocol.md §3, one by one; peers are on two loops.
@Suite(.inEachHome) struct V1DialectTests {
    private let hub = Hub()

    @Test("welcome is the first event of every v1 connection, and bears no number")
    func welcome() throws {
        let hub = Hub(
            RelayConfiguration(
                roomsPerConnectionMax: 3, pingIntervalSeconds: 7, maxMessageBytes: 999))
        let ann = hub.connect(token: try hub.world.token())
        // In a cluster it says whose it is, and where that is.
        let isNamed = ann.secret.utf8.count == 54 && ann.secret.contains(ann.connection)
        #expect(Home.isCluster ? isNamed : ann.secret.utf8.count == 22)
        #expect(ann.connection == hub.world.lastConnection)
        #expect(
            ann.take() == [
                #"{"type":"welcome","data":{"connectionId":"\#(ann.connection)","#
                    + #""session":"\#(ann.secret)","expiresAt":1000600,"iceServers":[],"#
                    + #""limits":{"maxMessageBytes":999,"maxRooms":3,"pingIntervalSeconds":7},"#
                    + #""serverTime":1000000}}"#
            ])
        let bob = hub.connect(token: try hub.world.token())
        #expect(bob.secret != ann.secret && bob.connection != ann.connection)
    }

    @Test("welcome tells of the TURN servers, with credentials for the token's subject")
    func iceServers() throws {
        hub.world.state.withLock { $0.hasTURN = true }
        let ann = hub.connect(token: try hub.world.token())
        let text = try #require(ann.take().first)
        #expect(text.contains(#""iceServers":[{"urls":["turn:t"],"username":"a"}]"#))
        #expect(text.contains(#""iceServersExpireAt":1000009,"#))
    }

    @Test("The joiner gets room_state after first_to_join or in its place, the others are told")
    func join() throws {
        let (ann, bob) = (try hub.connect(), try hub.connect(loop: 1))
        #expect(
            ann.join("R", id: "ann") == [
                numbered(1, "first_to_join", #""roomId":"R""#), roomState(2, "R", []),
            ])
        #expect(
            bob.join("R", id: "bob", name: "Bob") == [
                roomState(1, "R", [listed(ann, "ann")])
            ])
        let told = joined(bob, "bob", own: "ann", name: #""Bob""#)
        #expect(ann.take() == [numbered(3, "someone_joined", told)])
        let cid = try hub.connect(name: "Cid")
        let members = [listed(ann, "ann"), listed(bob, "bob", name: "Bob")]
        #expect(cid.join("R") == [roomState(1, "R", members)])
        #expect(ann.take().count == 1 && bob.take().count == 1)
    }

    @Test("Joining again is acked, changes nothing and announces nothing")
    func joinTwice() throws {
        let (ann, bob) = (try hub.connect(), try hub.connect(loop: 1))
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = ann.take()
        #expect(bob.join("R", id: "else", more: #","ack":1"#) == [numbered(2, "ack", #""ack":1"#)])
        #expect(ann.take().isEmpty)
    }

    @Test("Who leaves is acked, the others get someone_left with the reason left")
    func leave() throws {
        let (ann, bob) = (try hub.connect(), try hub.connect(loop: 1))
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = ann.take()
        #expect(
            bob.say(#"{"action":"leave-room","roomId":"R","ack":"bye"}"#)
                == [numbered(2, "ack", #""ack":"bye""#)])
        #expect(ann.take() == [left(4, "R", bob, "bob", "left")])
        #expect(ann.send("{}", to: bob) == [refused(5, "unknown_target", #""send-payload""#)])
        #expect(bob.send("{}", to: ann) == [refused(3, "unknown_target", #""send-payload""#)])
        #expect(bob.join("R", id: "bob") == [roomState(4, "R", [listed(ann, "ann")])])
        #expect(
            ann.take() == [numbered(6, "someone_joined", joined(bob, "bob", own: "ann"))])
    }

    @Test("To leave a room one is not in is acked and changes nothing")
    func leaveNothing() throws {
        let (ann, bob) = (try hub.connect(), try hub.connect(loop: 1))
        ann.join("R", id: "ann")
        _ = ann.take()
        #expect(
            bob.say(#"{"action":"leave-room","roomId":"R","ack":1}"#)
                == [numbered(1, "ack", #""ack":1"#)])
        #expect(bob.say(#"{"action":"leave-room","roomId":"R"}"#).isEmpty)
        #expect(ann.take().isEmpty)
    }

    @Test("Who leaves and is the last takes the room along")
    func leaveLast() throws {
        let ann = try hub.connect()
        ann.join("R")
        ann.say(#"{"action":"leave-room","roomId":"R"}"#)
        #expect(hub.service.roomCount == 0)
        #expect(ann.join("R").first == numbered(3, "first_to_join", #""roomId":"R""#))
    }

    @Test("A payload reaches its target with the true sender's id, and is acked")
    func payload() throws {
        let (ann, bob) = (try hub.connect(), try hub.connect(loop: 1))
        ann.join("R")
        bob.join("R")
        _ = (ann.take(), bob.take())
        let spoof = #"{"type":"offer","connectionId":"x","sdp":"v=0\r\n"}"#
        #expect(ann.send(spoof, to: bob, ack: "9") == [numbered(4, "ack", #""ack":9"#)])
        #expect(
            bob.take() == [
                numbered(
                    2, "offer",
                    #""connectionId":"\#(ann.connection)","type":"offer","sdp":"v=0\r\n""#)
            ])
        #expect(
            bob.send("{}", to: bob) == [
                numbered(3, "payload", #""connectionId":"\#(bob.connection)""#)
            ])
    }

    @Test("A broadcast reaches every other member of the room, whatever its dialect or loop")
    func broadcast() throws {
        let peers = [
            try hub.connect(), try hub.connect(loop: 1), try hub.connect(isV1: false, loop: 1),
        ]
        let other = try hub.connect()
        other.join("S")
        for peer in peers { peer.join("R") }
        for peer in peers + [other] { _ = peer.take() }
        let text = #"{"action":"broadcast","roomId":"R","payload":{"type":"chat","n":1},"ack":5}"#
        #expect(peers[0].say(text) == [numbered(5, "ack", #""ack":5"#)])
        let data = #""connectionId":"\#(peers[0].connection)","type":"chat","n":1"#
        #expect(peers[1].take() == [numbered(3, "chat", data)])
        #expect(peers[2].take() == [#"{"type":"chat","data":{\#(data)}}"#])
        #expect(other.take().isEmpty && peers[0].take().isEmpty)
    }

    @Test("A broadcast alone in the room is acked; in a room one is not in it is unknown_target")
    func broadcastAlone() throws {
        let (ann, bob) = (try hub.connect(), try hub.connect(loop: 1))
        ann.join("R")
        bob.join("S")
        let text = #"{"action":"broadcast","roomId":"R","payload":{},"ack":1}"#
        #expect(ann.say(text) == [numbered(3, "ack", #""ack":1"#)])
        #expect(bob.say(text) == [refused(3, "unknown_target", #""broadcast""#, ack: "1")])
    }

    @Test("ping is answered with pong, and with an ack where one is wanted")
    func ping() throws {
        let ann = try hub.connect()
        #expect(ann.say(#"{"action":"ping"}"#) == [numbered(1, "pong", "")])
        #expect(
            ann.say(#"{"action":"ping","ack":"\u0041"}"#)
                == [numbered(2, "pong", ""), numbered(3, "ack", #""ack":"\u0041""#)])
    }

    @Test("Messages from one sender to one target arrive in the order they were sent")
    func order() throws {
        let (ann, bob) = (try hub.connect(), try hub.connect(loop: 1))
        ann.join("R")
        bob.join("R")
        _ = bob.take()
        for number in 0..<50 { ann.send(#"{"n":\#(number)}"#, to: bob) }
        let expected = (0..<50).map {
            numbered($0 + 2, "payload", #""connectionId":"\#(ann.connection)","n":\#($0)"#)
        }
        #expect(bob.take() == expected)
    }
}

/// docs/protocol.md §4 for v1: every refusal is told, and the connection stays open.
@Suite(.inEachHome) struct V1RefusalTests {
    private let hub = Hub(
        RelayConfiguration(roomsPerConnectionMax: 2, membersPerRoomMax: 2))

    @Test(
        "A bad_request is told with the member at fault, action and ack",
        arguments: [
            ("{}", "null", "null", .noAction),
            (#"{"action":"join-room","ack":"a"}"#, #""join-room""#, #""a""#, .roomID),
            (#"{"action":"ping","ack":1.5}"#, #""ping""#, "null", .ack),
            (
                #"{"action":"broadcast","roomId":"R","payload":{"type":"ack"}}"#,
                #""broadcast""#, "null", .reservedType
            ),
        ] as [(String, String, String, MessageComplaint)])
    func badRequests(
        text: String, action: String, ack: String, complaint: MessageComplaint
    ) throws {
        let ann = try hub.connect(rooms: ["R*"])
        #expect(ann.say(text) == [refused(1, "bad_request", action, ack: ack, complaint)])
        #expect(ann.join("R").count == 2)
        ann.close()
    }

    @Test(
        "A refused message is told with its code, action and ack",
        arguments: [
            (#"{"action":"dance","ack":1}"#, "unknown_action", #""dance""#, "1"),
            (
                #"{"action":"send-payload","target":"x","payload":{}}"#, "unknown_target",
                #""send-payload""#, "null"
            ),
            (
                #"{"action":"join-room","roomId":"no","name":"N"}"#, "room_forbidden",
                #""join-room""#, "null"
            ),
            (
                #"{"action":"refresh-token","token":"x"}"#, "invalid_token", #""refresh-token""#,
                "null"
            ),
            (
                #"{"action":"resume","session":"x","seq":0,"ack":3}"#, "resume_failed",
                #""resume""#, "3"
            ),
        ])
    func refusals(text: String, code: String, action: String, ack: String) throws {
        let ann = try hub.connect(rooms: ["R*"])
        #expect(ann.say(text) == [refused(1, code, action, ack: ack)])
        #expect(ann.join("R").count == 2)
        ann.close()
        #expect(hub.world.log.last?.contains("refused_messages=1") == true)
    }

    @Test("room_full and too_many_rooms are told")
    func limits() throws {
        let peers = try (0..<3).map { try hub.connect(loop: $0 % 2) }
        for peer in peers[..<2] { peer.join("R") }
        #expect(peers[2].join("R") == [refused(1, "room_full", #""join-room""#)])
        peers[0].join("S")
        _ = peers[0].take()
        #expect(peers[0].join("T") == [refused(6, "too_many_rooms", #""join-room""#)])
        #expect(peers[0].join("S").isEmpty)
        peers[0].say(#"{"action":"leave-room","roomId":"S"}"#)
        #expect(peers[0].join("T").count == 2)
    }

    @Test("Text that is no JSON object closes with 1007, without a grace", arguments: ["", "[]"])
    func unreadable(text: String) throws {
        let (ann, bob) = (try hub.connect(), try hub.connect(loop: 1))
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = (ann.take(), bob.take())
        #expect(ann.say(text).isEmpty)
        #expect(ann.closeCode == .invalidPayload)
        #expect(bob.take() == [left(2, "R", ann, "ann", "closed")])
        #expect(hub.service.sessionCount == 1)
    }

    @Test("A peer can't speak as the server, in a broadcast neither")
    func noImpersonation() throws {
        let (ann, bob) = (try hub.connect(), try hub.connect(loop: 1))
        ann.join("R")
        bob.join("R")
        _ = (ann.take(), bob.take())
        for type in ["welcome", "someone_left", "room_st\\u0061te", "ack"] {
            #expect(ann.send(#"{"type":"\#(type)"}"#, to: bob).count == 1)
            #expect(
                ann.say(
                    #"{"action":"broadcast","roomId":"R","payload":{"type":"\#(type)"}}"#
                ).count == 1)
        }
        #expect(bob.take().isEmpty)
    }

    @Test("Rooms and sessions belong to a client: nothing passes to another's")
    func clientsApart() throws {
        let ann = try hub.connect()
        let eve = try hub.connect(client: "b", loop: 1)
        ann.join("R")
        #expect(eve.join("R").first == numbered(1, "first_to_join", #""roomId":"R""#))
        #expect(eve.send("{}", to: ann) == [refused(3, "unknown_target", #""send-payload""#)])
        let mallory = try hub.connect(client: "b", loop: 1)
        #expect(mallory.resume(ann.secret, after: 2) == [refused(1, "resume_failed", #""resume""#)])
        #expect(!ann.isClosed && ann.say(#"{"action":"ping"}"#).count == 1)
    }
}

/// Classic and v1 peers in one room (docs/protocol.md §2, §3).
@Suite(.inEachHome) struct MixedRoomTests {
    private let hub = Hub()

    @Test("Each hears of the other in its own dialect, and classic peers get no event of v1")
    func together() throws {
        let (old, new) = (try hub.connect(isV1: false), try hub.connect(loop: 1))
        old.join("R", id: "old", name: "Old")
        _ = old.take()
        #expect(
            new.join("R", id: "new") == [roomState(1, "R", [listed(old, "old", name: "Old")])])
        let told = joined(new, "new", own: "old")
        #expect(old.take() == [#"{"type":"someone_joined","data":{\#(told)}}"#])
        let later = try hub.connect(isV1: false)
        #expect(later.join("R", id: "later").isEmpty)
        #expect(
            new.take() == [numbered(2, "someone_joined", joined(later, "later", own: "new"))])
        _ = old.take()

        #expect(new.send(#"{"type":"a"}"#, to: old, ack: "1") == [numbered(3, "ack", #""ack":1"#)])
        #expect(
            old.take() == [
                #"{"type":"a","data":{"connectionId":"\#(new.connection)","type":"a"}}"#
            ])
        #expect(old.send(#"{"type":"b"}"#, to: new).isEmpty)
        #expect(
            new.take() == [numbered(4, "b", #""connectionId":"\#(old.connection)","type":"b""#)])
        new.say(#"{"action":"leave-room","roomId":"R"}"#)
        #expect(old.take().isEmpty && later.take().isEmpty)
    }

    @Test(
        "A classic peer that ends leaves at once: lost, or closed where it said so",
        arguments: [
            (SocketEnd.lost, "lost"), (.peerClosed(code: 1000), "closed"),
            (.peerClosed(code: 1001), "lost"), (.peerClosed(code: nil), "lost"),
            (.closedByUs(.tooBig), "closed"), (.closedByUs(.noPong), "lost"),
        ])
    func classicEnds(end: SocketEnd, reason: String) throws {
        let (old, new) = (try hub.connect(isV1: false), try hub.connect(loop: 1))
        old.join("R", id: "old")
        new.join("R", id: "new")
        old.close(end)
        #expect(new.take() == [left(2, "R", old, "old", reason)])
    }

    @Test("The same id as a classic peer's: both stay, and the older one is pinged")
    func sameID() throws {
        let (old, new) = (try hub.connect(isV1: false), try hub.connect(loop: 1))
        old.join("R", id: "x")
        let third = try hub.connect(isV1: false)
        func probed(_ joiner: Client) -> [SocketID] {
            hub.asked { joiner.join("R", id: "x") }.compactMap {
                if case .probe(let socket, _) = $0 { socket } else { nil }
            }
        }
        #expect(probed(new) == [old.socket])
        #expect(Set(probed(third)) == [old.socket, new.socket])
        #expect(hub.service.rooms().first?.members.count == 3)
    }

    @Test("What a v1 peer sends to a classic one of another loop is posted before it can move on")
    func posted() throws {
        let (far, near) = (try hub.connect(isV1: false), try hub.connect(isV1: false, loop: 1))
        let ann = try hub.connect(loop: 1)
        for peer in [far, near, ann] { peer.join("R") }
        func posts(_ body: () -> Void) -> Int { hub.asked(body).count { $0 == .postNow } }
        #expect(posts { ann.send("{}", to: near) } == 0)
        #expect(posts { ann.send("{}", to: far) } == 1)
        #expect(posts { ann.say(#"{"action":"broadcast","roomId":"R","payload":{}}"#) } == 1)
    }

    @Test("The operator's list shows rooms, and their members by age")
    func list() throws {
        let old = try hub.connect(isV1: false)
        old.join("R", id: #"o\"ld"#, name: "Old")
        hub.wait(seconds: 5)
        let new = try hub.connect(loop: 1)
        new.join("R", id: "new")
        new.join("A")
        let rooms = hub.service.rooms()
        #expect(rooms.map(\.room) == ["A", "R"] && rooms.map(\.clientID) == ["a", "a"])
        let members = rooms[1].members
        #expect(members.map(\.connectionID) == [old.connection, new.connection])
        #expect(members.map(\.peerID) == ["o\"ld", "new"])
        #expect(members.map(\.name) == ["Old", "N"] && members.map(\.seconds) == [5, 0])
        #expect(members.map(\.dialect) == [.classic, .v1])
    }
}
