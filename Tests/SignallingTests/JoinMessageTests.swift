import Identifiers
import Signalling
import Testing

private let long256 = String(repeating: "r", count: 256)
private let long257 = String(repeating: "r", count: 257)

@Suite struct JoinMessageTests {
    private func join(_ text: String) throws -> JoinRoom {
        guard case .joinRoom(let join) = try read(text).get() else {
            throw MessageFault.refused(.unknownAction)
        }
        return join
    }

    @Test("A join is read member by member, in any order and with any white space")
    func whole() throws {
        let text =
            " { \"id\" :\t\"me\", \"sdp\": {\"a\": [1]}, \"name\":\"N\",\r\n\"roomId\":\"R\","
            + "\"action\":\"join-room\", \"more\": null } "
        let join = try join(text)
        #expect(join.room == "R" && join.name == "N" && join.peerID == PeerID("me"))
        let sdp = try #require(join.sdp)
        #expect(String(decoding: Array(text.utf8)[sdp], as: UTF8.self) == #"{"a": [1]}"#)
    }

    @Test("Names and values are compared after unescaping")
    func escaped() throws {
        let join = try join(
            #"{"act\u0069on":"join\u002droom","room\u0049d":"\u0052\u00e9","id":"\"\\"}"#)
        #expect(join.room == "Ré" && join.peerID == PeerID("\"\\") && join.name == nil)
    }

    @Test(
        "Without id, name and sdp a join is good",
        arguments: [
            #"{"action":"join-room","roomId":"R"}"#,
            #"{"action":"join-room","roomId":"R","name":null}"#,
        ])
    func bare(text: String) throws {
        let join = try join(text)
        #expect(join.peerID == nil && join.name == nil && join.sdp == nil)
    }

    @Test("An empty name is kept as sent")
    func emptyName() throws {
        #expect(try join(#"{"action":"join-room","roomId":"R","name":""}"#).name == "")
    }

    @Test("A null sdp is carried through as null")
    func nullSDP() throws {
        let text = #"{"action":"join-room","roomId":"R","sdp":null}"#
        let sdp = try #require(try join(text).sdp)
        #expect(String(decoding: Array(text.utf8)[sdp], as: UTF8.self) == "null")
    }

    @Test(
        "A missing, mistyped, empty or too long member is bad_request (docs/protocol.md §4)",
        arguments: [
            #"{"action":"join-room"}"#, #"{"action":"join-room","roomId":null}"#,
            #"{"action":"join-room","roomId":7}"#, #"{"action":"join-room","roomId":["R"]}"#,
            #"{"action":"join-room","roomId":""}"#,
            #"{"action":"join-room","roomId":"\#(long257)"}"#,
            #"{"action":"join-room","roomId":"R","id":""}"#,
            #"{"action":"join-room","roomId":"R","id":null}"#,
            #"{"action":"join-room","roomId":"R","id":7}"#,
            #"{"action":"join-room","roomId":"R","id":"\#(long257)"}"#,
            #"{"action":"join-room","roomId":"R","name":7}"#,
            #"{"action":"join-room","roomId":"R","name":{}}"#,
            #"{"action":"join-room","roomId":"R","name":"\#(long257)"}"#,
            #"{}"#, #"{"action":null}"#, #"{"action":7}"#, #"{"action":["join-room"]}"#,
            #"{"roomId":"R"}"#, #"{"deep":{"action":"join-room","roomId":"R"}}"#,
        ])
    func badRequest(text: String) { #expect(refusal(text) == "bad_request") }

    @Test("256 bytes are not too long, counted after unescaping")
    func boundary() {
        #expect(
            refusal(
                #"{"action":"join-room","roomId":"\#(long256)","id":"\#(long256)","#
                    + #""name":"\#(long256)"}"#
            ) == nil)
        let escaped = String(repeating: #"\u0072"#, count: 256)
        #expect(refusal(#"{"action":"join-room","roomId":"\#(escaped)"}"#) == nil)
        let wide = String(repeating: "é", count: 129)
        #expect(refusal(#"{"action":"join-room","roomId":"\#(wide)"}"#) == "bad_request")
    }

    @Test(
        "An action that is none of the dialect's is unknown_action",
        arguments: [
            "", "join", "join-room ", "Join-Room", "leave-room", "broadcast", "ping", "resume",
            "refresh-token", "send_payload",
        ])
    func unknownAction(action: String) {
        #expect(refusal(#"{"action":"\#(action)","roomId":"R"}"#) == "unknown_action")
    }

    @Test("Ids are compared byte for byte, not by Unicode's canonical equivalence")
    func canonicalEquivalence() {
        #expect("e\u{301}" == "\u{e9}")
        #expect(PeerID("e\u{301}") != PeerID("\u{e9}"))
    }
}

@Suite struct NotAnObjectTests {
    @Test(
        "Text that is not a JSON object costs the connection (1007)",
        arguments: [
            "", " ", "null", "true", "7", "\"join-room\"", "[]", #"[{"action":"join-room"}]"#, "{",
            #"{"action":"join-room","roomId":"R"}x"#, #"{"action":"join-room","roomId":"R"}{}"#,
            #"{"action":"join-room","roomId":"R",}"#, #"{'action':'join-room'}"#, "{action:1}",
            #"{"action":"join-room","roomId":"R","n":01}"#, #"{"a":NaN}"#, #"{"a":"\x41"}"#,
            "{\"a\":\"\u{1}\"}", "\u{feff}{}", "hello",
        ])
    func closes(text: String) { #expect(refusal(text) == "1007") }

    @Test("Bytes that are not UTF-8 cost the connection (1007)")
    func notUTF8() {
        var reader = MessageReader()
        let bytes: [UInt8] = Array(#"{"action":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)
        #expect(throws: MessageFault.notAnObject) { try reader.read(bytes.span) }
    }

    @Test(
        "A JSON object that breaks only a rule of ours is bad_request and costs nothing",
        arguments: [
            #"{"action":"join-room","action":"send-payload"}"#,
            #"{"action":"join-room","roomId":"R","room\u0049d":"S"}"#,
            #"{"action":"join-room","roomId":"\ud800"}"#,
            #"{"a":"# + String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
                + "}",
            "{" + (0..<300).map { "\"m\($0)\":0" }.joined(separator: ",") + "}",
        ])
    func ourRules(text: String) { #expect(refusal(text) == "bad_request") }

    @Test("After a bad message the reader reads the next as if nothing had been")
    func recovers() throws {
        var reader = MessageReader()
        let good = Array(#"{"action":"join-room","roomId":"R"}"#.utf8)
        let bad = Array(#"{"action":"#.utf8)
        #expect(throws: MessageFault.notAnObject) { try reader.read(bad.span) }
        let message = try reader.read(good.span)
        #expect(
            message == .joinRoom(JoinRoomExample.bare))
    }
}

private enum JoinRoomExample {
    static var bare: JoinRoom {
        guard case .success(.joinRoom(let join)) = read(#"{"action":"join-room","roomId":"R"}"#)
        else { preconditionFailure("a bare join is good") }
        return join
    }
}
