import Access
import Admission
import Bytes
import HTTPClient
import HTTPMessages
import ICEServers
import Identifiers
import ServerlessRelay
import Testing
import Tokens

@testable import usher_lambda

@Suite struct FunctionSettingsTests {
    @Test("What is not set has the documented default")
    func defaults() throws {
        let settings = try FunctionSettings(variables())
        #expect(settings.audience == "https://auth.example")
        #expect(settings.keys == .text(Array(#"{"keys":[]}"#.utf8)))
        #expect(settings.dynamoDB.origin.text == "https://dynamodb.eu-central-1.amazonaws.com")
        #expect(settings.management == nil && settings.timerQueue == nil)
        #expect(settings.authorities == nil)
        let relay = settings.relay
        #expect(relay.queryToken == .allow)
        #expect((relay.maxMessageBytes, relay.roomsPerConnectionMax) == (32_768, 16))
        #expect((relay.roomMembersMax, relay.resumeGraceSeconds) == (64, 30))
        #expect((relay.historyEventsMax, relay.historyBytesMax) == (256, 262_144))
        #expect(relay.origins == [] && relay.iceServers.isEmpty)
    }

    @Test("Every variable is heeded")
    func all() throws {
        let secret = ByteText(String(repeating: "s", count: 32))
        let settings = try FunctionSettings(
            variables([
                "USHER_AUDIENCE": "aud", "USHER_KEY_SET": "https://auth.example/jwks.json",
                "USHER_RESUME_GRACE_SECONDS": "7", "USHER_QUERY_TOKEN": "one-use",
                "USHER_ORIGINS": "https://a.example, https://b.example:8443",
                "USHER_LEGACY_SECRETS": "{\"c1\":\"\(secret)\"}",
                "USHER_STUN_SERVERS": "stun:a.example:1,stun:b.example",
                "USHER_TURN_SERVERS": "turn:t.example", "USHER_TURN_SECRET": secret,
                "USHER_TIMER_QUEUE": "https://sqs.example/1/q", "USHER_MAX_MESSAGE_BYTES": "1000",
                "USHER_MAX_ROOMS": "2", "USHER_MAX_MEMBERS": "3", "USHER_RESUME_EVENTS": "9",
                "USHER_RESUME_BYTES": "70000", "USHER_PING_INTERVAL_SECONDS": "60",
                "USHER_EDGE_COOKIE": "mine", "USHER_DYNAMODB": "http://127.0.0.1:1",
                "USHER_MANAGEMENT": "http://127.0.0.1:2/prod", "USHER_CA": "/ca.pem",
            ]))
        #expect(settings.audience == "aud")
        guard case .followed(let url) = settings.keys else {
            Issue.record("\(settings.keys)")
            return
        }
        #expect("\(url.origin)\(url.target)" == "https://auth.example/jwks.json")
        #expect(settings.timerQueue?.target == "/1/q")
        #expect(settings.dynamoDB.origin.text == "http://127.0.0.1:1")
        #expect(settings.management?.target == "/prod")
        #expect(settings.authorities == "/ca.pem")
        #expect(settings.turnSecret == Array(secret.utf8))
        #expect(settings.legacy["c1"]?.rooms.map(\.text) == ["*"])
        let relay = settings.relay
        #expect(relay.queryToken == .oneUse)
        #expect(relay.origins == ["https://a.example", "https://b.example:8443"])
        #expect(relay.legacySecretDigests["c1"]?.count == 32)
        #expect((relay.maxMessageBytes, relay.roomsPerConnectionMax) == (1000, 2))
        #expect((relay.roomMembersMax, relay.resumeGraceSeconds) == (3, 7))
        #expect((relay.historyEventsMax, relay.historyBytesMax) == (9, 70_000))
        #expect((relay.pingIntervalSeconds, relay.edgeCookieName) == (60, "mine"))
        let offer = relay.iceServers.offer(to: "ann", now: 0) { _ in "mac" }
        #expect(offer.json.contains("stun:b.example") && offer.json.contains("turn:t.example"))
    }

    @Test(
        "What must be set is asked for by name",
        arguments: [
            "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "USHER_TABLE",
            "USHER_ISSUER",
            "USHER_KEY_SET",
        ])
    func missing(_ name: String) {
        #expect(fault([ByteText(name): nil])?.name == name)
        #expect(fault([ByteText(name): ""])?.description.hasPrefix("\(name): expected ") == true)
    }

    @Test(
        "What is wrong is named, with its value and what was expected",
        arguments: [
            ("AWS_REGION", "eu/1"), ("USHER_TABLE", "a"), ("USHER_TABLE", "a b c"),
            ("USHER_ISSUER", "http://auth.example"), ("USHER_ISSUER", "https://auth.example?a=b"),
            ("USHER_RESUME_GRACE_SECONDS", "901"), ("USHER_RESUME_GRACE_SECONDS", "-1"),
            ("USHER_QUERY_TOKEN", "maybe"), ("USHER_ORIGINS", "app.example"),
            ("USHER_STUN_SERVERS", "turn:a.example"), ("USHER_TURN_SERVERS", "stun:a.example"),
            ("USHER_TIMER_QUEUE", "timers"), ("USHER_DYNAMODB", "dynamodb"),
            ("USHER_MANAGEMENT", "wss://a.example/prod"), ("USHER_MAX_MESSAGE_BYTES", "32769"),
            ("USHER_MAX_MESSAGE_BYTES", "-1"), ("USHER_MAX_ROOMS", "65"),
            ("USHER_MAX_MEMBERS", "97"),
            ("USHER_RESUME_EVENTS", "x"), ("USHER_RESUME_BYTES", "262145"),
            ("USHER_PING_INTERVAL_SECONDS", "600"), ("USHER_TURN_CREDENTIAL_SECONDS", "9"),
            ("USHER_EDGE_COOKIE", "a b"),
        ])
    func wrong(_ name: String, _ value: String) {
        let found = fault([ByteText(name): ByteText(value)])
        #expect(found?.name == name)
        #expect(found?.value == value)
        #expect(found?.description.hasPrefix("\(name) is \"\(value)\": expected ") == true)
    }

    @Test(
        "No value that may be a secret is repeated",
        arguments: [
            ("USHER_KEY_SET", "http://auth.example/SECRET"), ("USHER_KEY_SET", "SECRET"),
            ("USHER_LEGACY_SECRETS", "SECRET"), ("USHER_LEGACY_SECRETS", #"{"c1":"SECRET"}"#),
            ("USHER_LEGACY_SECRETS", #"{"c1":["SECRET"]}"#), ("USHER_TURN_SECRET", "SECRET"),
            ("AWS_SECRET_ACCESS_KEY", "SECRET\n"), ("AWS_SESSION_TOKEN", "SECRET\r"),
        ])
    func secrets(_ name: String, _ value: String) {
        let turn: ByteText? = name == "USHER_TURN_SECRET" ? "turn:t.example" : nil
        let found = fault([ByteText(name): ByteText(value), "USHER_TURN_SERVERS": turn])
        #expect(found?.name == name)
        #expect(found?.description.contains("SECRET\"") == false)
        #expect(found?.value == nil)
    }

    @Test("A TURN server and its secret come together")
    func turn() {
        #expect(fault(["USHER_TURN_SERVERS": "turn:t.example"])?.name == "USHER_TURN_SECRET")
        let secret = ByteText(String(repeating: "s", count: 16))
        #expect(fault(["USHER_TURN_SECRET": secret])?.name == "USHER_TURN_SERVERS")
    }

    @Test("A region's services are where that region has them")
    func regions() throws {
        let settings = try FunctionSettings(variables(["AWS_REGION": "cn-north-1"]))
        #expect(settings.dynamoDB.origin.text == "https://dynamodb.cn-north-1.amazonaws.com.cn")
    }

    @Test("The variables of the process are read, each at its first =")
    func process() {
        #expect(Variables.ofProcess.text("PATH") != nil)
        #expect(Variables.ofProcess.text("NO_SUCH_VARIABLE") == nil)
    }
}
