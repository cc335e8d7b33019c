import Bytes
import Signalling
import StrictJSON
import Testing

private func member(
    _ id: UInt64, peer: String = "p", name: String? = nil, subject: String? = nil,
    order: UInt64 = 0
) -> RoomMember {
    RoomMember(
        connection: ConnectionID(raw: id), route: .v1(subject: subject), peerID: PeerID(peer),
        name: name, order: order)
}

private func classic(_ id: UInt64, peer: String = "p") -> RoomMember {
    RoomMember(
        connection: ConnectionID(raw: id), route: .classic(address: id), peerID: PeerID(peer))
}

@Suite struct V1EventTests {
    /// The event as it is sent without a number.
    private func text(_ compose: (inout EventComposer) -> Void) -> String {
        var composer = EventComposer()
        composer.firstToJoin(room: "what is left of the last event")
        compose(&composer)
        return String(decoding: composer.head + composer.tail, as: UTF8.self)
    }

    @Test("welcome and resumed are whole without a number (PROTOCOL §3)")
    func unnumbered() {
        let secret = SessionSecret(high: 0, low: 0)
        #expect(
            text {
                $0.welcome(
                    sender, secret, expiresAt: 600, now: 5, iceServers: "[]",
                    .init(messageBytesMax: 1, roomsMax: 2, pingIntervalSeconds: 3))
            }
                == #"{"type":"welcome","data":{"connectionId":"0123456789abcdef","#
                + #""session":"AAAAAAAAAAAAAAAAAAAAAA","expiresAt":600,"iceServers":[],"#
                + #""limits":{"maxMessageBytes":1,"maxRooms":2,"pingIntervalSeconds":3},"#
                + #""serverTime":5}}"#)
        let timed = text {
            $0.welcome(
                sender, secret, expiresAt: 600, now: 5, iceServers: #"[{"urls":["turn:t"]}]"#,
                iceServersExpireAt: 77,
                .init(messageBytesMax: 1, roomsMax: 2, pingIntervalSeconds: 3))
        }
        #expect(
            timed.contains(
                #""iceServers":[{"urls":["turn:t"]}],"iceServersExpireAt":77,"limits""#))
        #expect(
            text { $0.resumed(sender, secret, seq: 9) }
                == #"{"type":"resumed","data":{"connectionId":"0123456789abcdef","#
                + #""session":"AAAAAAAAAAAAAAAAAAAAAA","seq":9}}"#)
    }

    @Test("room_state lists the others by age, and says of each pair who is polite")
    func roomState() {
        let own = member(5, order: 2)
        let others = [member(1, peer: "new", order: 3), member(9, name: "N\"", order: 1)]
        #expect(
            text { $0.roomState(room: "R", own, others) }
                == #"{"type":"room_state","data":{"roomId":"R","polite":false,"members":["#
                + #"{"connectionId":"0000000000000009","peerId":"p","name":"N\"","polite":true},"#
                + #"{"connectionId":"0000000000000001","peerId":"new","name":null,"polite":false}"#
                + "]}}")
        #expect(
            text { $0.roomState(room: "R", own, []) }
                == #"{"type":"room_state","data":{"roomId":"R","polite":true,"members":[]}}"#)
    }

    @Test("someone_left tells who, from where and why", arguments: LeaveReason.allCases)
    func someoneLeft(reason: LeaveReason) {
        #expect(
            text { $0.someoneLeft(room: "R", member(1), reason) }
                == #"{"type":"someone_left","data":{"roomId":"R","#
                + #""connectionId":"0000000000000001","peerId":"p","#
                + #""reason":"\#(reason.rawValue)"}}"#
        )
    }

    @Test("The reasons are those of PROTOCOL §3")
    func reasons() {
        #expect(
            Set(LeaveReason.allCases.map(\.rawValue))
                == ["left", "closed", "lost", "replaced", "kicked"])
    }

    @Test("Every error is strict JSON with its code, and action and ack as sent or null")
    func errors() throws {
        let message = Array(#"{"action":"d","ack":"\n"}"#.utf8)
        for error in SignalError.allCases {
            var composer = EventComposer()
            composer.error(error, action: 10..<13, ack: 20..<24, of: message.span)
            let event = try JSONValue.parse(composer.head + composer.tail).object
            let data = event?["data"]?.object
            #expect(event?["type"] == "error" && data?["code"] == .string(error.code))
            #expect(data?["action"] == "d" && data?["ack"] == "\n")
            #expect(data?["message"]?.string?.string.isEmpty == false)
            composer.error(error, action: nil, ack: nil, of: message.span)
            let bare = try JSONValue.parse(composer.head + composer.tail).object?["data"]?.object
            #expect(bare?["action"] == .null && bare?["ack"] == .null)
        }
    }

    @Test("A bad_request tells which member is at fault; nothing else does")
    func complaints() throws {
        func told(_ error: SignalError, _ complaint: MessageComplaint?) throws -> ByteText? {
            var composer = EventComposer()
            composer.error(error, complaint, action: nil, ack: nil, of: [UInt8]().span)
            let event = try JSONValue.parse(composer.head + composer.tail).object
            return event?["data"]?.object?["message"]?.string
        }
        for complaint in MessageComplaint.allCases {
            #expect(
                try told(.badRequest, complaint) == ByteText(complaint.message.description))
            #expect(
                try told(.unknownTarget, complaint)
                    == ByteText(SignalError.unknownTarget.message.description))
        }
        #expect(Set(MessageComplaint.allCases.map(\.message.description)).count == 18)
    }

    @Test("The short events")
    func short() {
        let message = Array(#"{"ack":-7}"#.utf8)
        #expect(text { $0.pong() } == #"{"type":"pong","data":{}}"#)
        #expect(text { $0.ack(7..<9, of: message.span) } == #"{"type":"ack","data":{"ack":-7}}"#)
        #expect(
            text { $0.tokenExpiring(expiresAt: 12) }
                == #"{"type":"token_expiring","data":{"expiresAt":12}}"#)
        #expect(
            text { $0.draining(withinSeconds: 9) }
                == #"{"type":"draining","data":{"reconnectWithinSeconds":9}}"#)
    }
}

@Suite struct SamePeerTests {
    private let lobby = RoomKey(clientID: "a", room: "lobby")

    /// What becomes of the second of two with the same peer id: whom it replaced, or the refusal.
    private func join(_ one: RoomMember, then other: RoomMember) -> String {
        var table = RoomTable(limits: RoomLimits(membersPerRoomMax: 2))
        _ = table.join(one, lobby, roomsJoined: 0)
        switch table.join(other, lobby, roomsJoined: 0) {
        case .joined(_, _, let others, nil): return "\(others.count) stay"
        case .joined(_, _, let others, let replaced?):
            #expect(table.members(of: lobby).map(\.connection) == [other.connection])
            return "\(others.count) stay, \(replaced.connection.raw) leaves"
        case .alreadyMember: return "member"
        case .refused(let error): return error.code
        }
    }

    @Test("Where a classic peer is one of two with the same id, both stay (PROTOCOL §2)")
    func classicPeers() {
        #expect(join(classic(1), then: classic(2)) == "1 stay")
        #expect(join(classic(1), then: member(2, subject: "s")) == "1 stay")
        #expect(join(member(1, subject: "s"), then: classic(2)) == "1 stay")
    }

    @Test("Of two v1 peers whose tokens name the same subject, the newer replaces the older")
    func sameSubject() {
        #expect(join(member(1, subject: "s"), then: member(2, subject: "s")) == "0 stay, 1 leaves")
    }

    @Test("Of other v1 peers with the same id the newcomer gets peer_id_taken")
    func taken() {
        #expect(join(member(1), then: member(2)) == "peer_id_taken")
        #expect(join(member(1, subject: "s"), then: member(2)) == "peer_id_taken")
        #expect(join(member(1), then: member(2, subject: "s")) == "peer_id_taken")
        #expect(join(member(1, subject: "s"), then: member(2, subject: "t")) == "peer_id_taken")
        #expect(
            join(member(1, subject: "e\u{301}"), then: member(2, subject: "\u{e9}"))
                == "peer_id_taken")
    }

    @Test("With other ids nobody is in anybody's way")
    func otherIDs() {
        #expect(
            join(member(1, peer: "p", subject: "s"), then: member(2, peer: "q", subject: "s"))
                == "1 stay")
    }

    @Test("Who replaces another takes its place in a full room")
    func full() {
        var table = RoomTable(limits: RoomLimits(membersPerRoomMax: 2))
        _ = table.join(classic(1, peer: "x"), lobby, roomsJoined: 0)
        _ = table.join(member(2, subject: "s"), lobby, roomsJoined: 0)
        #expect(
            table.join(member(3, subject: "t"), lobby, roomsJoined: 0) == .refused(.peerIDTaken))
        #expect(
            table.join(member(4, peer: "y", subject: "s"), lobby, roomsJoined: 0)
                == .refused(.roomFull))
        guard
            case .joined(let own, 0, _, let replaced) =
                table.join(member(5, subject: "s"), lobby, roomsJoined: 0)
        else {
            Issue.record("not joined")
            return
        }
        #expect(own.order == 3 && replaced?.connection.raw == 2)
        #expect(table.leave(ConnectionID(raw: 2), room: 0) == nil)
        #expect(table.address(of: ConnectionID(raw: 1), in: 0) == .classic(1))
        let gone = ConnectionID(raw: 2)
        #expect(table.address(of: ConnectionID(raw: 1), in: 0, sharedWith: gone) == nil)
        #expect(table.company(of: gone, in: 0) == nil)
    }

    @Test("A departure tells who is still there, under the room's own name")
    func departure() {
        var table = RoomTable(limits: RoomLimits())
        let key = RoomKey(clientID: "client", room: "ÿ room")
        _ = table.join(member(1), key, roomsJoined: 0)
        _ = table.join(member(2, peer: "q"), key, roomsJoined: 0)
        let departure = table.leave(ConnectionID(raw: 1), room: 0)
        #expect(departure?.member.connection.raw == 1)
        #expect(departure?.remaining.map(\.connection.raw) == [2])
        #expect(departure?.key.room == "ÿ room" && departure?.key.clientID == "client")
    }
}
