import Access
import AuthService
import Bytes
import Clients
import Cryptography
import HTTPMessages
import ICEServers
import Identifiers
import Locking
import StrictJSON
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
        var catchUps = 0
        /// What another process has changed a client to.
        var missed: Client?
        /// Whether another thread's look brings it, so that one's own finds nothing new.
        var isBroughtByOther = false
        var issued: [TokenClaims] = []
        /// What `verify` knows, by the token's text.
        var tokens: [String: TokenClaims] = [:]
        var revocations: [Revocation] = []
        var revokers: [Actor] = []
        /// What `revoke` throws in place of `registry_busy`.
        var revocationFault: RegistryFailure?
        /// Ids that were used, and until when that is remembered.
        var used: [String: Int64] = [:]
        /// How often one was to be marked.
        var marks = 0
        var signatureChecks: [PublicKey] = []
        var log: [String] = []
        /// Who registered, changed and removed clients over HTTP.
        var registrationActors: [Actor] = []
        /// What the ports of registrations throw.
        var registrationFault: RegistryFailure?
        var digestLookups = 0
    }

    static let issuer = "https://auth.example"
    static let audience = "https://relay.example"
    static let secret = "right-secret"
    static let keySet = Array(#"{"keys":[]}"#.utf8)

    let service: AuthService
    private let world: Locked

    final class Locked: Sendable {
        let value = Lock(World())
    }

    init(
        issuer: String = AuthBench.issuer, tokenRequestsPerSecond: Int = 0,
        addressRequestsPerSecond: Int = 0, openAPI: String = "", demo: DemoConfiguration? = nil,
        hasRegistration: Bool = false
    ) {
        let world = Locked()
        self.world = world
        service = AuthService(
            AuthConfiguration(
                issuer: issuer, audience: AuthBench.audience,
                tokenRequestsPerSecond: tokenRequestsPerSecond,
                addressRequestsPerSecond: addressRequestsPerSecond, openAPI: Array(openAPI.utf8),
                demo: demo),
            AuthBench.ports(world, hasRegistration ? .inMemory(world) : nil))
    }

    private static func ports(
        _ world: Locked, _ registrations: RegistrationPorts?
    ) -> AuthPorts {
        AuthPorts(
            now: { world.value.withLock { $0.now } }, random: { SecureRandom.bytes($0) },
            sha256: { Digest.sha256($0) }, constantTimeEqual: { constantTimeEqual($0, $1) },
            client: { id throws(RegistryFailure) in
                let (isDown, client) = world.value.withLock { world in
                    world.lookups += 1
                    return (world.isRegistryDown, world.clients[id.string])
                }
                if isDown { throw RegistryFailure.busy }
                return client
            },
            issue: { claims throws(IssueFailure) in
                let token = world.value.withLock { $0.issue(claims) }
                guard let token else { throw IssueFailure(code: "issuing_failed") }
                return token
            },
            tokens: TokenCheck(
                verify: { token, kinds, now throws(TokenRefused) in
                    try world.value.withLock { $0 }.verify(token, kinds, now)
                },
                isRevoked: { token in
                    world.value.withLock { RevocationSet($0.revocations) }.isRevoked(token)
                }),
            revoke: { revocation, actor throws(RegistryFailure) in
                let fault = world.value.withLock { $0.revoke(revocation, actor) }
                if let fault { throw fault }
            },
            isUsed: { id throws(RegistryFailure) in
                let isUsed = world.value.withLock { $0.isUsed(id) }
                guard let isUsed else { throw RegistryFailure.busy }
                return isUsed
            },
            markUsed: { id, expiresAt throws(RegistryFailure) in
                let isFresh = world.value.withLock { $0.markUsed(id, until: expiresAt) }
                guard let isFresh else { throw RegistryFailure.busy }
                return isFresh
            },
            verifySignature: { key, signature, input in
                world.value.withLock { $0.signatureChecks.append(key) }
                return (try? VerifyingKey(key))?.isValid(signature: signature, over: input)
                    ?? false
            },
            keySet: { keySet },
            catchUp: { world.value.withLock { $0.catchUp() } },
            isListedOrigin: { origin in world.value.withLock { $0.isListed(origin) } },
            iceServers: { subject, now in
                ICEServers.Offer(json: #"[{"urls":["\#(subject)"]}]"#, expiresAt: now + 60)
            },
            log: { event, fields in
                let line = "\(event) " + fields.map { "\($0.0)=\($0.1)" }.joined(separator: " ")
                world.value.withLock { $0.log.append(line) }
            }, registrations: registrations)
    }

    var claims: TokenClaims? { world.value.withLock { $0.issued.last } }
    var log: [String] { world.value.withLock { $0.log } }
    var revocations: [Revocation] { world.value.withLock { $0.revocations } }
    var revokers: [Actor] { world.value.withLock { $0.revokers } }
    var used: [String: Int64] { world.value.withLock { $0.used } }
    var marks: Int { world.value.withLock { $0.marks } }
    var signatureChecks: [PublicKey] { world.value.withLock { $0.signatureChecks } }
    var clients: [String: Client] { world.value.withLock { $0.clients } }
    var registrationActors: [Actor] { world.value.withLock { $0.registrationActors } }
    var digestLookups: Int { world.value.withLock { $0.digestLookups } }
    var catchUps: Int { world.value.withLock { $0.catchUps } }
    var lookups: Int { world.value.withLock { $0.lookups } }

    func change(_ body: @Sendable (inout World) -> Void) { world.value.withLock { body(&$0) } }

    /// Registers a client with the secret `AuthBench.secret` and returns its id.
    @discardableResult
    func register(
        _ id: String = "c_one", rooms: [String] = ["*"], scopes: [String] = ["signal"],
        isEnabled: Bool = true, secrets: [(text: String, expiresAt: Int64?)] = [(secret, nil)],
        lifetimeSecondsMax: Int64 = 3600, assertionKeys: [PublicKey] = [], origins: [ByteText] = [],
        introspects: [String] = []
    ) throws -> String {
        let client = Client(
            clientID: ClientID(id), name: "n", rooms: try rooms.map { try RoomPattern($0) },
            origins: origins, scopes: scopes.map { ByteText($0) }, createdAt: 0,
            isEnabled: isEnabled,
            secrets: secrets.map {
                ClientSecret(
                    digest: Digest.sha256(Array($0.text.utf8)), createdAt: 0,
                    expiresAt: $0.expiresAt)
            }, lifetimeSecondsMax: lifetimeSecondsMax, assertionKeys: assertionKeys,
            introspects: introspects.map { ClientID($0) })
        change { $0.clients[id] = client }
        return id
    }
}

extension AuthBench {
    static let formHeaders = [("Content-Type", "application/x-www-form-urlencoded")]

    static func basic(_ id: String = "c_one", _ secret: String = secret) -> (String, String) {
        ("Authorization", "Basic " + base64(Array("\(id):\(secret)".utf8)))
    }

    /// Sends anything; what comes back must stand in docs/openapi.json.
    func send(
        _ method: String, _ path: String, query: String? = nil,
        headers: [(String, String)] = [], body: String = "", peer: String = "127.0.0.1",
        isSecure: Bool = false, client: String? = nil, fromCookie: Bool = false
    ) -> HTTPResponse? {
        let response = service.respond(
            to: HTTPRequest(
                method: ByteText(method), path: ByteText(path), query: query.map { ByteText($0) },
                headers: HeaderFields(headers.map { (ByteText($0), ByteText($1)) }),
                body: Array(body.utf8), peerAddress: peer, isSecure: isSecure,
                clientAddress: client), fromCookie: fromCookie)
        if let response { OpenAPIDocument.shared.check(method, path, response) }
        return response
    }

    /// Sends a token request of `grant_type=client_credentials` and `body`, by HTTP Basic.
    func token(
        _ body: String = "", credentials: (String, String)? = basic(),
        peer: String = "127.0.0.1", isSecure: Bool = false
    ) throws -> HTTPResponse {
        let form = "grant_type=client_credentials" + (body.isEmpty ? "" : "&\(body)")
        return try raw(form, credentials: credentials, peer: peer, isSecure: isSecure)
    }

    /// Sends a form with exactly this body.
    func raw(
        _ body: String, to path: String = "/oauth2/token",
        credentials: (String, String)? = basic(), query: String? = nil,
        peer: String = "127.0.0.1", isSecure: Bool = false
    ) throws -> HTTPResponse {
        let headers = Self.formHeaders + (credentials.map { [$0] } ?? [])
        return try #require(
            send(
                "POST", path, query: query, headers: headers, body: body, peer: peer,
                isSecure: isSecure))
    }

    /// Gets a token and gives back its text.
    func issued(
        _ body: String = "", to id: String = "c_one", secret: String = secret
    ) throws -> String {
        let response = try token(body, credentials: Self.basic(id, secret))
        return try #require(response.json?["access_token"]?.string?.string)
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let text = Base64URL.encode(bytes).map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        return String(text) + String(repeating: "=", count: (4 - text.count % 4) % 4)
    }
}

extension AuthBench.World {
    /// As a verifier with a leeway of 30 seconds does.
    fileprivate func verify(
        _ token: String, _ kinds: Set<TokenKind>, _ now: Int64
    ) throws(TokenRefused) -> TokenClaims {
        guard let claims = tokens[token] else { throw TokenRefused(code: "token_signature") }
        guard kinds.contains(claims.kind) else { throw TokenRefused(code: "token_type") }
        guard now < claims.expiresAt + 30 else { throw TokenRefused(code: "token_expired") }
        return claims
    }

    /// nil while the issuer cannot sign.
    fileprivate mutating func issue(_ claims: TokenClaims) -> String? {
        let token = "head.\(claims.tokenID).signature"
        issued.append(claims)
        tokens[token] = claims
        return isIssuerDown ? nil : token
    }

    /// nil while the registry cannot say, as with `markUsed`.
    fileprivate func isUsed(_ id: String) -> Bool? { isRegistryDown ? nil : used[id] != nil }

    fileprivate mutating func markUsed(_ id: String, until expiresAt: Int64) -> Bool? {
        guard !isRegistryDown else { return nil }
        marks += 1
        return used.updateValue(expiresAt, forKey: id) == nil
    }

    fileprivate mutating func catchUp() -> Bool {
        catchUps += 1
        guard let missed else { return false }
        clients[missed.clientID.string] = missed
        self.missed = nil
        return !isBroughtByOther
    }

    fileprivate func isListed(_ origin: ByteText) -> Bool {
        clients.values.contains { $0.isEnabled && $0.origins.contains(origin) }
    }

    fileprivate mutating func revoke(
        _ revocation: Revocation, _ actor: Actor
    ) -> RegistryFailure? {
        if let revocationFault { return revocationFault }
        if isRegistryDown { return .busy }
        revocations.append(revocation)
        revokers.append(actor)
        return nil
    }
}

extension HTTPResponse {
    var json: JSONObject? { (try? JSONValue.parse(body))?.object }
    var error: String? { json?["error"]?.string?.string }
    var errorDescription: String { json?["error_description"]?.string?.string ?? "" }
}

/// What every refusal of ours must look like (RFC 6749 §5.2, §5.1).
func expectRefusal(
    _ response: HTTPResponse, _ status: Int, _ error: String, naming: String = "",
    challenge scheme: String = "Basic", sourceLocation: SourceLocation = #_sourceLocation
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
    if scheme == "Basic" {
        #expect((challenge != nil) == (status == 401), sourceLocation: sourceLocation)
    }
    #expect(
        challenge?.hasPrefix("\(scheme) realm=") ?? (status != 401),
        sourceLocation: sourceLocation)
}

extension RegistryFailure {
    static let busy = RegistryFailure.unavailable(
        RegistryTrouble(code: "registry_busy", description: "busy"))
    static let diskFull = RegistryFailure.unavailable(
        RegistryTrouble(code: "registry_disk_full", description: "full"))
}
