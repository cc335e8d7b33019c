import Bytes
import Signalling
import Testing

@Suite struct EventComposerTests {
    private func text(_ composer: EventComposer, body: [UInt8] = []) -> String {
        String(decoding: composer.head + body + composer.tail, as: UTF8.self)
    }

    @Test("first_to_join names the room")
    func first() {
        var composer = EventComposer()
        composer.firstToJoin(room: "a\"b\\c\u{1}é")
        #expect(
            text(composer) == #"{"type":"first_to_join","data":{"roomId":"a\"b\\c\u0001é"}}"#)
    }

    @Test("someone_joined has the joiner's ids, name and sdp, and the receiver's own id")
    func someone() {
        var composer = EventComposer()
        let message = Array(#"{"sdp":{"v": 0}}"#.utf8)
        composer.someoneJoined(
            sender, peerID: PeerID("p\"1"), name: "N\n", sdp: 7..<15, of: message.span)
        #expect(
            text(composer, body: PeerID("own").quoted)
                == #"{"type":"someone_joined","data":{"connectionId":"0123456789abcdef","#
                + #""peerId":"p\"1","offererId":"p\"1","name":"N\u000a","sdp":{"v": 0},"#
                + #""ownId":"own"}}"#)
    }

    @Test("name and sdp are null when the joiner sent none")
    func nulls() {
        var composer = EventComposer()
        let nothing: [UInt8] = []
        composer.someoneJoined(
            sender, peerID: PeerID(sender), name: nil, sdp: nil, of: nothing.span)
        #expect(
            text(composer, body: PeerID("own").quoted)
                == #"{"type":"someone_joined","data":{"connectionId":"0123456789abcdef","#
                + #""peerId":"0123456789abcdef","offererId":"0123456789abcdef","name":null,"#
                + #""sdp":null,"ownId":"own"}}"#)
    }

    @Test("Nothing of one event is left in the next")
    func reuse() {
        var composer = EventComposer()
        composer.firstToJoin(room: String(repeating: "x", count: 1000))
        composer.firstToJoin(room: "R")
        #expect(text(composer) == #"{"type":"first_to_join","data":{"roomId":"R"}}"#)
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
