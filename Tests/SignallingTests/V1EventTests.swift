import Bytes
import Identifiers
import Signalling
import StrictJSON
import Testing

@Suite struct V1EventTests {
    private func text(_ compose: (inout EventComposer) -> Event) -> String {
        var composer = EventComposer()
        composer.reuse(composer.firstToJoin(room: "what is left of the last event"))
        return SignallingTests.text(compose(&composer))
    }

    @Test("welcome and resumed are whole without a number (docs/protocol.md §3)")
    func unnumbered() {
        let secret = SessionSecret(bits: 0)
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
        let narrow = text {
            $0.welcome(
                sender, secret, expiresAt: 600, now: 5, iceServers: "[]",
                .init(
                    messageBytesMax: 1, roomsMax: 2, pingIntervalSeconds: 3, messagesInFlight: 1))
        }
        #expect(narrow.contains(#""pingIntervalSeconds":3,"messagesInFlight":1},"#))
        #expect(
            text { $0.resumed(sender, secret, seq: 9) }
                == #"{"type":"resumed","data":{"connectionId":"0123456789abcdef","#
                + #""session":"AAAAAAAAAAAAAAAAAAAAAA","seq":9}}"#)
    }

    @Test("room_state tells of each member, and whether the receiver is polite to all")
    func roomState() {
        let members = [
            EventComposer.PresentMember(
                connection: ConnectionID(raw: 9), peerID: PeerID("p"), name: "N\"",
                isReceiverPolite: true),
            EventComposer.PresentMember(
                connection: ConnectionID(raw: 1), peerID: PeerID("new"), name: nil,
                isReceiverPolite: false),
        ]
        #expect(
            text { $0.roomState(room: "R", members) }
                == #"{"type":"room_state","data":{"roomId":"R","polite":false,"members":["#
                + #"{"connectionId":"0000000000000009","peerId":"p","name":"N\"","polite":true},"#
                + #"{"connectionId":"0000000000000001","peerId":"new","name":null,"polite":false}"#
                + "]}}")
        #expect(
            text { $0.roomState(room: "R", []) }
                == #"{"type":"room_state","data":{"roomId":"R","polite":true,"members":[]}}"#)
    }

    @Test("someone_left tells who, from where and why", arguments: LeaveReason.allCases)
    func someoneLeft(reason: LeaveReason) {
        #expect(
            text { $0.someoneLeft(room: "R", ConnectionID(raw: 1), PeerID("p"), reason) }
                == #"{"type":"someone_left","data":{"roomId":"R","#
                + #""connectionId":"0000000000000001","peerId":"p","#
                + #""reason":"\#(reason.rawValue)"}}"#
        )
    }

    @Test("The reasons are those of docs/protocol.md §3")
    func reasons() {
        #expect(
            Set(LeaveReason.allCases.map(\.rawValue))
                == ["left", "closed", "lost", "replaced", "kicked"])
    }

    @Test("Every error is strict JSON with its code, and action and ack as sent or null")
    func errors() throws {
        let message = Array(#"{"action":"d","ack":"\n"}"#.utf8)
        for error in SignalError.allCases {
            let full = text { $0.error(error, action: 10..<13, ack: 20..<24, of: message.span) }
            let event = try JSONValue.parse(Array(full.utf8)).object
            let data = event?["data"]?.object
            #expect(event?["type"] == "error" && data?["code"] == .string(error.code))
            #expect(data?["action"] == "d" && data?["ack"] == "\n")
            #expect(data?["message"]?.string?.string.isEmpty == false)
            let short = text { $0.error(error, action: nil, ack: nil, of: message.span) }
            let bare = try JSONValue.parse(Array(short.utf8)).object?["data"]?.object
            #expect(bare?["action"] == .null && bare?["ack"] == .null)
        }
    }

    @Test("A bad_request tells which member is at fault; nothing else does")
    func complaints() throws {
        func told(_ error: SignalError, _ complaint: MessageComplaint?) throws -> ByteText? {
            let text = text { $0.error(error, complaint, action: nil, ack: nil, of: Span()) }
            let event = try JSONValue.parse(Array(text.utf8)).object
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
