import Bytes
import Identifiers
import StrictJSON
import Testing

@testable import ICEServers

@Suite struct ICEServersTests {
    private static func urls(_ texts: [String]) throws -> [ICEServerURL] {
        try texts.map { try #require(ICEServerURL(ByteText($0))) }
    }

    @Test("Nothing configured is an empty list that never expires")
    func nothing() {
        let offer = ICEServers([], lifetimeSeconds: 60).offer(to: "c:ann", now: 5) { _ in "mac" }
        #expect(offer == .none)
    }

    @Test("STUN alone bears no credentials and never expires")
    func stun() throws {
        let servers = ICEServers(try Self.urls(["stun:s.example"]), lifetimeSeconds: 60)
        let offer = servers.offer(to: "c:ann", now: 5) { _ in "mac" }
        #expect(offer.json == #"[{"urls":["stun:s.example"]}]"#)
        #expect(offer.expiresAt == nil)
    }

    @Test("TURN credentials are expiry:sub and the MAC over it")
    func turn() throws {
        let servers = ICEServers(
            try Self.urls(["turn:t.example?transport=udp", "stun:s.example", "turns:t.example"]),
            lifetimeSeconds: 3600)
        var signed: [UInt8] = []
        let offer = servers.offer(to: #"c:an"n"#, now: 1000) { userName in
            signed = userName
            return "bWFj"
        }
        #expect(String(decoding: signed, as: UTF8.self) == #"4600:c:an"n"#)
        #expect(offer.expiresAt == 4600)
        let list = try #require(try JSONValue.parse(Array(offer.json.utf8)).array)
        #expect(list.count == 2)
        #expect(list[0] == ["urls": ["stun:s.example"]])
        #expect(list[1].object?["urls"] == ["turn:t.example?transport=udp", "turns:t.example"])
        #expect(list[1].object?["username"] == #"4600:c:an"n"#)
        #expect(list[1].object?["credential"] == "bWFj")
    }

    @Test(
        "URLs are those of RFC 7064 and RFC 7065",
        arguments: [
            ("stun:s.example", true), ("stuns:s.example:5349", true), ("stun:192.0.2.1", true),
            ("turn:[2001:db8::1]:3478?transport=tcp", true), ("turns:t.example", true),
            ("stun:[::1]", true), ("turn:t.example?transport=udp", true),
            ("", false), ("stun:", false), ("http://s.example", false), ("stun://s", false),
            ("stun:s.example:0", false), ("stun:s.example:x", false), ("stun:s:65536", false),
            ("stun:s.example?transport=udp", false), ("turn:t?transport=sctp", false),
            ("turn:t?", false), ("turn:user@t", false), ("stun:a b", false), ("STUN:s", false),
            ("stun:[s", false), ("stun:[zz]", false), ("stun:s.example:+1", false),
        ])
    func grammar(text: String, isGood: Bool) {
        #expect((ICEServerURL(ByteText(text)) != nil) == isGood)
    }
}
