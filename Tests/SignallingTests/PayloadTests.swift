import Bytes
import Signalling
import StrictJSON
import TestSupport
import Testing

private let stamp = #""connectionId":"0123456789abcdef""#

private let long = String(repeating: "f", count: 257)

@Suite struct PayloadTests {
    @Test(
        "A delivered payload: the type outside, the true sender first, then every member as sent",
        arguments: [
            (
                #"{"type":"offer","offer":{"sdp":"v\r"},"n":0}"#,
                #"{"type":"offer","data":{\#(stamp),"type":"offer","offer":{"sdp":"v\r"},"n":0}}"#
            ),
            (#"{}"#, #"{"type":"payload","data":{\#(stamp)}}"#),
            (#"{  }"#, #"{"type":"payload","data":{\#(stamp)}}"#),
            (#"{"a":1}"#, #"{"type":"payload","data":{\#(stamp),"a":1}}"#),
            (
                #"{ "a" : 1.50 , "type" : "x" }"#,
                #"{"type":"x","data":{\#(stamp),"a" : 1.50 , "type" : "x"}}"#
            ),
            (
                #"{"type":"\u006fffer","é":"\ud83d\ude00"}"#,
                #"{"type":"\u006fffer","data":{\#(stamp),"type":"\u006fffer","é":"\ud83d\ude00"}}"#
            ),
            (
                #"{"n":1e400,"big":123456789012345678901234}"#,
                #"{"type":"payload","data":{\#(stamp),"n":1e400,"big":123456789012345678901234}}"#
            ),
            (
                #"{"deep":{"connectionId":"k"},"data":{},"":0}"#,
                #"{"type":"payload","data":{\#(stamp),"deep":{"connectionId":"k"},"data":{},"":0}}"#
            ),
        ])
    func forwarded(payload: String, event: String) {
        #expect(delivered(sending(payload)) == event)
    }

    @Test(
        "A connectionId in the payload is dropped, escaped or not, anywhere (docs/protocol.md §2)",
        arguments: [
            (#"{"connectionId":"feedfacedeadbeef"}"#, ""),
            (#"{"connectionId":"x","a":1}"#, #","a":1"#),
            (#"{"a":1,"connectionId":{"b":2}}"#, #","a":1"#),
            (#"{"a":1, "connectionId":null ,"b":[2] , "c":3}"#, #","a":1,"b":[2] , "c":3"#),
            (#"{"a":1,"connection\u0049d":"x","b":2}"#, #","a":1,"b":2"#),
            (
                #"{"\u0063\u006f\u006e\u006e\u0065\u0063\u0074\u0069\u006f\u006e\u0049\u0064":0}"#,
                ""
            ),
            (
                #"{"connectionid":1,"ConnectionId":2,"connectionId ":3}"#,
                #","connectionid":1,"ConnectionId":2,"connectionId ":3"#
            ),
        ])
    func spoof(payload: String, rest: String) {
        #expect(delivered(sending(payload)) == #"{"type":"payload","data":{\#(stamp)\#(rest)}}"#)
    }

    @Test(
        "Two connectionIds, or any name twice, are refused: nothing slips past behind the first",
        arguments: [
            #"{"connectionId":"a","connectionId":"b"}"#,
            #"{"connectionId":1,"connection\u0049d":2}"#,
            #"{"type":"offer","type":"first_to_join"}"#, #"{"type":"a","t\u0079pe":"error"}"#,
        ])
    func doubled(payload: String) { #expect(delivered(sending(payload)) == "bad_request") }

    @Test(
        "A type that is a server event's name in either dialect is bad_request",
        arguments: ReservedEvents.names)
    func reserved(name: String) {
        #expect(delivered(sending(#"{"type":"\#(name)"}"#)) == "bad_request")
        let escaped = name.utf8.map { #"\u00"# + String($0, radix: 16) }.joined()
        #expect(delivered(sending(#"{"type":"\#(escaped)"}"#)) == "bad_request")
        #expect(delivered(sending(#"{"type":"\#(name)s"}"#)).contains(#""type":"\#(name)s""#))
        #expect(delivered(sending(#"{"type":"\#(name.uppercased())"}"#)).hasPrefix(#"{"type":""#))
    }

    @Test("The reserved names are the server events of docs/protocol.md §2 and §3")
    func reservedNames() {
        #expect(
            Set(ReservedEvents.names) == [
                "first_to_join", "someone_joined", "welcome", "room_state", "resumed",
                "someone_left",
                "token_expiring", "error", "draining", "ack", "pong", "usher.closing",
            ])
    }

    @Test(
        "What clients by custom say to each other is theirs to say",
        arguments: ["usher.link_kept", "usher.negotiation_failed", "usher.here", "usher.closed"])
    func ofClients(name: String) {
        #expect(
            delivered(sending(#"{"type":"\#(name)"}"#))
                == #"{"type":"\#(name)","data":{\#(stamp),"type":"\#(name)"}}"#)
    }

    @Test(
        "A type that is no string, or empty or too long, is bad_request",
        arguments: [
            "null", "7", "true", "[]", "{}", #""""#, #""\#(String(repeating: "t", count: 257))""#,
        ])
    func typeKind(type: String) {
        #expect(delivered(sending(#"{"type":\#(type)}"#)) == "bad_request")
    }

    @Test(
        "A payload that is no object, and a target that is no string, are bad_request",
        arguments: [
            sending("null"), sending("[]"), sending(#""x""#), sending("7"),
            #"{"action":"send-payload","target":"feedfacedeadbeef"}"#,
            #"{"action":"send-payload","payload":{}}"#,
            #"{"action":"send-payload","target":7,"payload":{}}"#,
            #"{"action":"send-payload","target":"","payload":{}}"#,
            #"{"action":"send-payload","target":null,"payload":{}}"#,
            #"{"action":"send-payload","target":"\#(long)","payload":{}}"#,
        ])
    func badRequest(text: String) { #expect(refusal(text) == "bad_request") }

    @Test(
        "A target that can be no connection's id is unknown_target",
        arguments: [
            "x", "feedfacedeadbee", "FEEDFACEDEADBEEF", "feedfacedeadbeef0", "feedfacedeadbeeg",
            #"\u0078"#, String(repeating: "f", count: 256),
        ])
    func unknownTarget(name: String) {
        #expect(
            refusal(#"{"action":"send-payload","target":"\#(name)","payload":{}}"#)
                == "unknown_target")
    }

    @Test("An escaped target is the same target")
    func escapedTarget() throws {
        let text = #"{"action":"send-payload","target":"\u0066eedfacedeadbeef","payload":{}}"#
        guard case .sendPayload(let payload) = try read(text).get() else { return }
        #expect(payload.target == target)
    }

    @Test("Members outside the payload are not delivered, and their order does not matter")
    func outside() {
        let text =
            #"{"payload":{"a":1},"type":"first_to_join","connectionId":"x","#
            + #""target":"\#(target.text)","action":"send-payload"}"#
        #expect(delivered(text) == #"{"type":"payload","data":{\#(stamp),"a":1}}"#)
    }

    @Test("Whatever is delivered is strict JSON, and equals the payload with the sender stamped")
    func random() throws {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<2000 {
            let payload = RandomJSON.object(using: &random)
            let event = delivered(sending(String(decoding: payload.serialized(), as: UTF8.self)))
            let read = try JSONValue.parse(Array(event.utf8))
            let members = try #require(read.object?["data"]?.object?.members)
            #expect(members.first?.name == "connectionId")
            #expect(members.first?.value == .string(sender.text))
            let expected = (payload.object?.members ?? []).filter { $0.name != "connectionId" }
            #expect(Array(members.dropFirst()) == expected)
        }
    }
}
