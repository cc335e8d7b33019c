import AWSServices
import Access
import Bytes
import Cryptography
import Glibc
import HTTPClient
import ServerSupport
import ServerlessRelay
import StrictJSON
import Testing
import Tokens
import UsherVerifier

@testable import usher_lambda

@Suite struct FunctionTests {
    private func tokens(_ changes: [ByteText: ByteText?]) throws -> FunctionTokens {
        try FunctionTokens(
            FunctionSettings(variables(changes)), clients: ClientPool(trust: TLSTrust()),
            work: WorkDeadline(Deadline(after: .seconds(10))), log: FunctionLog(descriptor: -1))
    }

    private func code(_ tokens: FunctionTokens, _ text: String) -> String? {
        do throws(TokenRefused) {
            _ = try tokens.verify(text, [.access, .legacy], Issuer.now)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("Tokens are verified by keys that are given, or fetched")
    func issuers() throws {
        let (issuer, other) = (try Issuer(), try Issuer())
        let given = try tokens(["USHER_KEY_SET": ByteText(issuer.keySet)])
        #expect(code(given, try issuer.token()) == nil)
        #expect(code(given, try other.token()) == TokenRejection.unknownKey.code)
        let server = try ListedServer([
            ListedServer.answer(200, issuer.keySet, field: "Content-Type: application/json")
        ])
        let address = ByteText("http://127.0.0.1:\(server.port)/keys")
        let fetched = try tokens(["USHER_KEY_SET": address])
        #expect(code(fetched, try issuer.token()) == nil)
        #expect(server.requests.count == 1)
        #expect(server.requests[0].hasPrefix("GET /keys HTTP/1.1\r\n"))
    }

    @Test("Where no keys can be had, it is not the token that is refused")
    func unavailable() throws {
        let server = try ListedServer(["500"])
        let address = ByteText("http://127.0.0.1:\(server.port)/keys")
        let tokens = try tokens(["USHER_KEY_SET": address])
        #expect(code(tokens, try Issuer().token()) == TokenRefused.keysUnavailable.code)
    }

    @Test("A legacy token is good under its client's secret, whatever keys can be had")
    func legacy() throws {
        let secret = String(repeating: "s", count: 32)
        let server = try ListedServer(["500"])
        let tokens = try tokens([
            "USHER_KEY_SET": ByteText("http://127.0.0.1:\(server.port)/keys"),
            "USHER_LEGACY_SECRETS": "{\"c1\":\"\(secret)\"}",
        ])
        let good = Self.legacyToken(client: "c1", secret: secret)
        #expect(code(tokens, good) == nil)
        #expect(code(tokens, Self.legacyToken(client: "c2", secret: secret)) != nil)
        #expect(code(tokens, Self.legacyToken(client: "c1", secret: secret + "s")) != nil)
        #expect(server.requests.isEmpty)
    }

    private static func legacyToken(client: String, secret: String) -> String {
        let parts = [
            #"{"alg":"HS256","typ":"JWT"}"#, "{\"client\":\"\(client)\",\"expiresAt\":1800000600}",
        ].map { Base64URL.encode(Array($0.utf8)) }
        let input = parts.joined(separator: ".")
        let tag = HMACSHA256.tag(Array(input.utf8), secret: Array(secret.utf8))
        return input + "." + Base64URL.encode(tag)
    }

    @Test("A key set that is none is refused at the start")
    func noKeySet() {
        #expect {
            _ = try tokens([:])
        } throws: { error in
            (error as? SettingFault)?.name == "USHER_KEY_SET"
        }
    }

    @Test("The gateway's address is the one that was set, or that of its first event")
    func gateway() throws {
        let server = try ListedServer(["410"])
        let access = AWSAccess(
            credentials: try FunctionSettings(variables()).credentials, region: "eu-central-1",
            clients: ClientPool(trust: TLSTrust()),
            work: WorkDeadline(Deadline(after: .milliseconds(200))))
        let url = try HTTPURL("http://127.0.0.1:\(server.port)/prod")
        let set = try Gateway(url, access)
        #expect(try set.port.post("a", [1]) == false)
        let unknown = try Gateway(nil, access)
        let event = #"{"requestContext":{"apiId":"abc123","stage":"prod"}}"#
        let reason = { () -> String in
            do throws(GatewayFault) { _ = try unknown.port.post("a", [1]) } catch {
                if case .unavailable(let reason) = error { return reason }
            }
            return ""
        }
        #expect(reason().contains("USHER_MANAGEMENT"))
        for other in [
            "{}", "x", #"{"requestContext":{"apiId":"a.b/c","stage":"prod"}}"#,
            #"{"requestContext":{"apiId":"abc","stage":"a/b"}}"#,
        ] {
            unknown.learn(from: Array(other.utf8))
            #expect(reason().contains("USHER_MANAGEMENT"))
        }
        unknown.learn(from: Array(event.utf8))
        #expect(reason().contains("abc123.execute-api.eu-central-1.amazonaws.com"))
        let noStage = try HTTPURL("http://127.0.0.1:1/a/b")
        #expect(throws: SettingFault.self) { try Gateway(noStage, access) }
    }

    @Test("A file of authorities that is none is named")
    func authorities() throws {
        let settings = try FunctionSettings(variables(["USHER_CA": "/no/such/file"]))
        #expect {
            _ = try Function(settings, log: FunctionLog(descriptor: -1))
        } throws: { error in
            (error as? SettingFault)?.name == "USHER_CA"
        }
    }

    @Test("A line of the log is one JSON object, with the request that it belongs to")
    func log() throws {
        var pipes: [Int32] = [0, 0]
        #expect(unsafe pipe(&pipes) == 0)
        let log = FunctionLog(descriptor: pipes[1])
        log.write("started", [])
        log.begin("id-1")
        log.write("some_event", [("reason", "a \"b\"\nc"), ("event", "other")])
        close(pipes[1])
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(pipes[0], &buffer, buffer.count)
        close(pipes[0])
        let lines = buffer[..<max(0, count)].split(separator: 0x0A).map { Array($0) }
        #expect(
            try lines.map { try JSONValue.parse($0) } == [
                ["event": "started"],
                ["event": "some_event", "request": "id-1", "reason": "a \"b\"\nc"],
            ])
    }
}
