import Access
import AuthService
import Bytes
import Clients
import HTTPMessages
import ICEServers
import Identifiers
import Locking
import StrictJSON
import Tokens

/// An authorization server of one client, over ports that compute nothing: digests are no digests
/// and every signature is good, so that all that decides is how requests are read.
///
/// Made anew for each input, since what a service counts must not carry over to the next.
final class OAuthBench: Sendable {
    static let issuer = "https://usher.example"
    static let now: Int64 = 1_700_000_000
    static let clientID: ClientID = "c_AAAAAAAAAAAAAAAAAAAAAA"
    static let secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    static let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    static let exchange = "urn:ietf:params:oauth:grant-type:token-exchange"

    /// What the service did by its ports.
    struct Deeds: Sendable {
        var issued: [TokenClaims] = []
        var checkedKeys: [PublicKey] = []
        var marked: [String: Int64] = [:]
    }

    static let client = Client(
        clientID: clientID, name: "Fuzzed", rooms: patterns("lobby", "team-*"), origins: [],
        scopes: ["signal", Client.sessionScope], createdAt: 0,
        secrets: [
            ClientSecret(
                digest: ClientSecretText.digest(of: secret, sha256: anyDigest), createdAt: 0)
        ],
        lifetimeSecondsMax: 1800, assertionKeys: keys)

    /// One key of an algorithm each, and a second of one of them.
    static let keys: [PublicKey] = [
        key(.ec(x: filled(1), y: filled(2)), "one"), key(.ec(x: filled(3), y: filled(4)), "two"),
        key(.rsa(n: [UInt8](repeating: 0xFF, count: 256), e: [1, 0, 1]), "three"),
        key(.okp(x: filled(5)), "four"),
    ]

    /// Tokens that may be exchanged or asked about, by their text.
    static let tokens = [
        "access": claims(.access, rooms: ["team-1"], scopes: ["signal"], user: nil),
        "session": claims(.session, rooms: ["team-*"], scopes: ["session"], user: "ada"),
    ]

    private let deeds = Lock(Deeds())

    var done: Deeds { deeds.withLock { $0 } }

    /// The answer to a POST of this body.
    func post(
        _ body: [UInt8], to path: String = "/oauth2/token",
        _ headers: [(String, String)] = [("Content-Type", "application/x-www-form-urlencoded")]
    ) -> HTTPResponse {
        let request = HTTPRequest(
            method: "POST", path: ByteText(path),
            headers: HeaderFields(headers.map { (ByteText($0), ByteText($1)) }), body: body)
        guard let response = service.respond(to: request) else { fatalError("there is a route") }
        checkForm(of: response)
        return response
    }

    private var service: AuthService {
        AuthService(AuthConfiguration(issuer: Self.issuer, audience: Self.issuer), ports)
    }

    private var ports: AuthPorts {
        AuthPorts(
            now: { Self.now }, random: { [UInt8](repeating: 7, count: $0) }, sha256: anyDigest,
            constantTimeEqual: ==,
            client: { id in id == Self.clientID ? Self.client : nil },
            issue: { [self] claims in
                deeds.withLock { $0.issued.append(claims) }
                return "header.payload.signature"
            },
            tokens: TokenCheck(
                verify: { token, kinds, _ throws(TokenRefused) in
                    guard let claims = Self.tokens[token], kinds.contains(claims.kind) else {
                        throw TokenRefused(code: "token_malformed")
                    }
                    return claims
                }, isRevoked: { _ in false }),
            revoke: { _, _ in },
            isUsed: { [self] id in deeds.withLock { $0.marked[id] != nil } },
            markUsed: { [self] id, expiresAt in
                deeds.withLock { $0.marked.updateValue(expiresAt, forKey: id) == nil }
            },
            verifySignature: { [self] key, _, _ in
                deeds.withLock { $0.checkedKeys.append(key) }
                return true
            },
            keySet: { [] }, catchUp: { false }, isListedOrigin: { _ in false },
            iceServers: { _, _ in .none },
            log: { _, _ in })
    }

    /// What every answer keeps to, whatever the request was (RFC 6749 §5.1, §5.2).
    private func checkForm(of response: HTTPResponse) {
        require(response.status < 500, "no request makes the server fail")
        require(response.headers["Cache-Control"] == "no-store", "no answer is kept")
        guard !response.body.isEmpty else { return }
        let body = mustTake("an answer is JSON") { try JSONValue.parse(response.body) }
        guard response.status != 200 else { return }
        let text = body.object?["error_description"]?.string?.string ?? ""
        require(
            text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C },
            "an error's text keeps to its characters")
        require(body.object?["error"]?.string != nil, "an error has a name")
        require(
            (response.status == 401) == (response.headers["WWW-Authenticate"] != nil),
            "a challenge stands in 401 and nowhere else")
    }

    private static func key(_ material: PublicKey.Material, _ id: String) -> PublicKey {
        mustTake("the bench's keys are good") {
            try PublicKey(material, keyID: id, sha256: anyDigest)
        }
    }

    private static func filled(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 32) }

    private static func patterns(_ texts: String...) -> [RoomPattern] {
        texts.map { text in mustTake("the bench's rooms are good") { try RoomPattern(text) } }
    }

    private static func claims(
        _ kind: TokenKind, rooms: [String], scopes: [String], user: String?
    ) -> TokenClaims {
        TokenClaims(
            issuer: issuer, audience: [issuer],
            subject: Subject(user.map { ByteText($0) }, of: clientID),
            clientID: clientID, issuedAt: now - 10, expiresAt: now + 100, tokenID: "id",
            scopes: scopes, rooms: rooms.flatMap { patterns($0) }, kind: kind)
    }
}
