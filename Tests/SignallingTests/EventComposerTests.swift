import Bytes
import Identifiers
import Testing

@testable import Signalling

@Suite struct EventComposerTests {
    @Test("first_to_join names the room")
    func first() {
        var composer = EventComposer()
        #expect(
            text(composer.firstToJoin(room: "a\"b\\c\u{1}é"))
                == #"{"type":"first_to_join","data":{"roomId":"a\"b\\c\u0001é"}}"#)
    }

    @Test("someone_joined has the joiner's ids, name and sdp, and the receiver's own id")
    func someone() {
        var composer = EventComposer()
        let message = Array(#"{"sdp":{"v": 0}}"#.utf8)
        let event = composer.someoneJoined(
            sender, peerID: PeerID("p\"1"), name: "N\n", sdp: 7..<15, of: message.span)
        for own in ["own", "other"] {
            #expect(
                text(event, own: own)
                    == #"{"type":"someone_joined","data":{"connectionId":"0123456789abcdef","#
                    + #""peerId":"p\"1","offererId":"p\"1","name":"N\u000a","sdp":{"v": 0},"#
                    + #""ownId":"\#(own)"}}"#)
        }
    }

    @Test("name and sdp are null when the joiner sent none")
    func nulls() {
        var composer = EventComposer()
        let event = composer.someoneJoined(
            sender, peerID: PeerID(sender), name: nil, sdp: nil, of: Span())
        #expect(
            text(event)
                == #"{"type":"someone_joined","data":{"connectionId":"0123456789abcdef","#
                + #""peerId":"0123456789abcdef","offererId":"0123456789abcdef","name":null,"#
                + #""sdp":null,"ownId":"own"}}"#)
    }

    @Test("Nothing of one event is left in the next")
    func reuse() {
        var composer = EventComposer()
        composer.reuse(composer.firstToJoin(room: RoomName(String(repeating: "x", count: 1000))))
        let event = composer.firstToJoin(room: "R")
        #expect(event.head.capacity > 1000)
        #expect(text(event) == #"{"type":"first_to_join","data":{"roomId":"R"}}"#)
    }

    @Test("An event that is told later stays as it is, whatever is composed meanwhile")
    func within() {
        var composer = EventComposer()
        let one = composer.firstToJoin(room: "1")
        let message = Array(#"{"a":1,"b":2}"#.utf8)
        let layout = PayloadLayout(type: nil, leading: 0..<0, members: 1..<12)
        for number in 0..<3 {
            let other = composer.delivered(
                layout, of: message.span, from: ConnectionID(raw: UInt64(number)))
            #expect(
                text(other, of: message)
                    == #"{"type":"payload","data":{"connectionId":"000000000000000\#(number)","#
                    + #""a":1,"b":2}}"#)
            composer.reuse(other)
        }
        #expect(text(one) == #"{"type":"first_to_join","data":{"roomId":"1"}}"#)
    }
}

@Suite struct DialectTests {
    @Test(
        "Who offers usher.v1 speaks v1, and the answer selects it and nothing else",
        arguments: [
            ([], nil), (["usher.v1"], "usher.v1"), (["graphql-ws"], nil), (["usher.v2"], nil),
            (["usher.v1", "usher.bearer.a.b.c"], "usher.v1"),
            (["usher.bearer.a.b.c", "usher.v1", "x"], "usher.v1"),
        ])
    func negotiated(offered: [String], selected: String?) {
        let (dialect, subprotocol) = Dialect.negotiated(offered: offered.map { ByteText($0) })
        #expect(
            dialect == (selected == nil ? .classic : .v1)
                && subprotocol == selected.map { ByteText($0) })
    }
}
