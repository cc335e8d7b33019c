import AuthService
import Clients
import Cryptography
import HTTPMessages
import StrictJSON
import Synchronization
import Testing
import Tokens

/// An `AuthService` in a world that a test holds in its hands.
final class AuthBench: Sendable {
    struct World: Sendable {
        var now: Int64 = 1_800_000_000
        var clients: [String: Client] = [:]
        var isRegistryDown = false
        var isIssuerDown = false
        var lookups = 0
        var issued: [TokenClaims] = []
        var log: [String] = []
    }

    static let issuer = "https://auth.example"
    static let secret = "right-secret"
    static let keySet = Array(#"{"keys":[]}"#.utf8)

    let service: AuthService
    private let world: Locked

    private final class Locked: Sendable {
        let value = Mutex(World())
    }

    init(
        issuer: String = AuthBench.issuer, tokenRequestsPerSecond: Int = 0,
        demo: DemoConfiguration? = nil
    ) {
        let world = Locked()
        self.world = world
        service = AuthService(
            AuthConfiguration(
                issuer: issuer, audience: "https://relay.example",
                tokenRequestsPerSecond: tokenRequestsPerSecond,
                demo: demo),
            AuthBench.ports(world))
    }

    private static func ports(_ world: Locked) -> AuthPorts {
        AuthPorts(
            now: { world.value.withLock { $0.now } }, random: { SecureRandom.bytes($0) },
            sha256: { Digest.sha256($0) }, constantTimeEqual: { constantTimeEqual($0, $1) },
            client: { id throws(ClientLookupFailure) in
                let (isDown, client) = world.value.withLock { world in
                    world.lookups += 1
                    return (world.isRegistryDown, world.clients[id])
                }
                if isDown { throw ClientLookupFailure(code: "registry_busy") }
                return client
            },
            issue: { claims throws(IssueFailure) in
                let isDown = world.value.withLock { world in
                    world.issued.append(claims)
                    return world.isIssuerDown
                }
                if isDown { throw IssueFailure(code: "issuing_failed") }
                return "head.\(claims.tokenID).signature"
            },
            keySet: { keySet },
            log: { event, fields in
                let line = "\(event) " + fields.map { "\($0.0)=\($0.1)" }.joined(separator: " ")
                world.value.withLock { $0.log.append(line) }
            })
    }

    var claims: TokenClaims? { world.value.withLock { $0.issued.last } }
    var log: [String] { world.value.withLock { $0.log } }
    var lookups: Int { world.value.withLock { $0.lookups } }

    func change(_ body: @Sendable (inout World) -> Void) { world.value.withLock { body(&$0) } }

    /// Registers a client with the secret `AuthBench.secret` and returns its id.
    @discardableResult
    func register(
        _ id: String = "c_one", rooms: [String] = ["*"], scopes: [String] = ["signal"],
        isEnabled: Bool = true, secrets: [(text: String, expiresAt: Int64?)] = [(secret, nil)]
    ) throws -> String {
        let client = Client(
            clientID: id, name: "n", rooms: try rooms.map { try RoomPattern($0) }, origins: [],
            scopes: scopes, createdAt: 0, isEnabled: isEnabled,
            secrets: secrets.map {
                ClientSecret(
                    digest: Digest.sha256(Array($0.text.utf8)), createdAt: 0,
                    expiresAt: $0.expiresAt)
            })
        change { $0.clients[id] = client }
        return id
    }
}

extension AuthBench {
    static let formHeaders = [("Content-Type", "application/x-www-form-urlencoded")]

    static func basic(_ id: String = "c_one", _ secret: String = secret) -> (String, String) {
        ("Authorization", "Basic " + base64(Array("\(id):\(secret)".utf8)))
    }

    /// Sends anything.
    func send(
        _ method: String, _ path: String, query: String? = nil,
        headers: [(String, String)] = [], body: String = "", peer: String = "127.0.0.1",
        isSecure: Bool = false, client: String? = nil
    ) -> HTTPResponse? {
        service.respond(
            to: HTTPRequest(
                method: method, path: path, query: query, headers: HeaderFields(headers),
                body: Array(body.utf8), peerAddress: peer, isSecure: isSecure,
                clientAddress: client))
    }

    /// Sends a token request of `grant_type=client_credentials` and `body`, by HTTP Basic.
    func token(
        _ body: String = "", credentials: (String, String)? = basic(),
        peer: String = "127.0.0.1", isSecure: Bool = false
    ) throws -> HTTPResponse {
        let form = "grant_type=client_credentials" + (body.isEmpty ? "" : "&\(body)")
        return try raw(form, credentials: credentials, peer: peer, isSecure: isSecure)
    }

    /// Sends a token request with exactly this body.
    func raw(
        _ body: String, credentials: (String, String)? = basic(), query: String? = nil,
        peer: String = "127.0.0.1", isSecure: Bool = false
    ) throws -> HTTPResponse {
        let headers = Self.formHeaders + (credentials.map { [$0] } ?? [])
        return try #require(
            send(
                "POST", "/oauth2/token", query: query, headers: headers, body: body, peer: peer,
                isSecure: isSecure))
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let text = Base64URL.encode(bytes).map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        return String(text) + String(repeating: "=", count: (4 - text.count % 4) % 4)
    }
}

extension HTTPResponse {
    var json: JSONObject? { (try? JSONValue.parse(body))?.object }
    var error: String? { json?["error"]?.string }
    var errorDescription: String { json?["error_description"]?.string ?? "" }
}

/// What every refusal of ours must look like (RFC 6749 §5.2, §5.1).
func expectRefusal(
    _ response: HTTPResponse, _ status: Int, _ error: String, naming: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(response.status == status, sourceLocation: sourceLocation)
    #expect(response.error == error, sourceLocation: sourceLocation)
    #expect(response.headers["Content-Type"] == "application/json", sourceLocation: sourceLocation)
    #expect(response.headers["Cache-Control"] == "no-store", sourceLocation: sourceLocation)
    #expect(response.headers["Pragma"] == "no-cache", sourceLocation: sourceLocation)
    let text = response.errorDescription
    #expect(!text.isEmpty, sourceLocation: sourceLocation)
    #expect(
        text.utf8.allSatisfy { $0 >= 0x20 && $0 <= 0x7E && $0 != 0x22 && $0 != 0x5C },
        sourceLocation: sourceLocation)
    if !naming.isEmpty {
        #expect(text.contains(naming), "\(text)", sourceLocation: sourceLocation)
    }
    let challenge = response.headers["WWW-Authenticate"]
    #expect((challenge != nil) == (status == 401), sourceLocation: sourceLocation)
    #expect(challenge?.hasPrefix("Basic realm=") ?? true, sourceLocation: sourceLocation)
}
