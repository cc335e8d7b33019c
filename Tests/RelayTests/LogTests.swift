import Admission
import AdmissionSupport
import Bytes
import HTTPMessages
import Testing
import WebSocket

@Suite struct LogTests {
    private let relay = Hub(isV1: false)

    @Test(
        "The end of a connection is logged with its cause",
        arguments: [
            (SocketEnd.peerClosed(code: 1001), "peer 1001"),
            (.peerClosed(code: nil), "peer without code"),
            (.closedByUs(.noPong), "server 4408"), (.lost, "lost"),
        ])
    func closed(end: SocketEnd, text: String) throws {
        let ann = try relay.connect()
        relay.wait(seconds: 7)
        ann.close(end)
        #expect(
            relay.world.log == [
                "connection_closed connection=\(ann.connection) client=a end=\(text) seconds=7 "
                    + "refused_messages=0"
            ])
    }

    @Test("No token, room, name or payload is ever logged (docs/threat-model.md, Secrets)")
    func noSecrets() throws {
        let ann = try relay.connect(name: "SECRET")
        ann.join("SECRET", id: "SECRET")
        ann.say(#"{"action":"SECRET"}"#)
        ann.say("SECRET")
        ann.close()
        _ = relay.admission.admit(handshake("token=x.SECRET.z&SECRET=%zz"), fromCookie: false)
        _ = relay.admission.admit(handshake("token=x.SECRET.z"), fromCookie: false)
        let cookie = handshake(nil, [("Authorization", "Bearer x.SECRET.z")])
        _ = relay.admission.admit(cookie, fromCookie: true)
        #expect(relay.world.log.count == 4)
        #expect(relay.world.log.allSatisfy { !$0.contains("SECRET") })
    }

    @Test("No refusal tells a token or a verifier's reason to the client")
    func noSecretsInAnswers() throws {
        for query in ["token=x.SECRET.z", "token=x.SECRET.z&client=SECRET", "token=SECRET&token="] {
            let refusal = try #require(
                relay.admission.admit(handshake(query), fromCookie: false).refusal)
            let text =
                String(decoding: refusal.body, as: UTF8.self)
                + refusal.headers.fields.map { $0.value.string }.joined()
            #expect(!text.contains("SECRET") && !text.contains("token_signature"))
        }
    }
}
