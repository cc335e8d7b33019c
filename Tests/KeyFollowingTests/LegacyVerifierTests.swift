import Access
import Bytes
import Clients
import Cryptography
import Identifiers
import StrictJSON
import Testing
import TokenIssuing
import Tokens
import UsherVerifier

@testable import KeyFollowing

/// Signs as a client's own backend does.
private struct Backend {
    static let now: Int64 = 1_800_000_000
    static let site = "https://usher.example"
    static let header = #"{"alg":"HS256","typ":"JWT"}"#

    let secret = Array("0123456789abcdef0123456789ABCDEF".utf8)

    func client(
        _ id: ClientID = "c_1", secret: [UInt8]? = nil, scopes: [ByteText] = ["signal", "chat"]
    ) throws -> Client {
        Client(
            clientID: id, name: "Old", rooms: [try RoomPattern("team-*")], origins: [],
            scopes: scopes, createdAt: 0, secrets: [], legacySecret: secret)
    }

    func payload(_ client: String = "c_1", expiresAt: String = "1800000600.5") -> String {
        #"{"client":"\#(client)","expiresAt":\#(expiresAt)}"#
    }

    func token(
        header: String = header, payload: String? = nil, secret: [UInt8]? = nil
    ) throws -> String {
        let input =
            Base64URL.encode(Array(header.utf8)) + "."
            + Base64URL.encode(Array((payload ?? self.payload()).utf8))
        let key = try SigningKey(secret: secret ?? self.secret)
        return input + "." + Base64URL.encode(try key.sign(Array(input.utf8)))
    }

    func verifier(_ clients: Client...) -> LegacyVerifier {
        let policy = ClaimsPolicy(issuer: Self.site, audience: Self.site, leewaySeconds: 30)
        return LegacyVerifier(policy: policy, sha256: Digest.sha256) { id in
            clients.first { $0.clientID == id }?.legacy
        }
    }

    /// Of the client `c_1` with this secret.
    func fault(_ token: String, at now: Int64 = now) throws -> TokenFault? {
        let verifier = verifier(try client(secret: secret))
        do throws(TokenFault) {
            _ = try verifier.verify(token, atSecondsSinceEpoch: now)
            return nil
        } catch {
            return error
        }
    }
}

@Suite("Legacy tokens (docs/architecture.md §4)") struct LegacyVerifierTests {
    private let backend = Backend()

    @Test("A legacy token stands for its client in all of its rooms, with the scope signal alone")
    func claims() throws {
        let client = try backend.client(secret: backend.secret)
        let token = try backend.token()
        let claims = try backend.verifier(client).verify(token, atSecondsSinceEpoch: Backend.now)
        #expect(claims.subject == "c_1" && claims.clientID == "c_1" && claims.name == nil)
        #expect(claims.rooms == client.rooms && claims.scopes == ["signal"])
        #expect(claims.expiresAt == 1_800_000_600 && claims.kind == .legacy)
        #expect(claims.legacySecretDigest == Digest.sha256(backend.secret))
        let digest = Base64URL.encode(Digest.sha256(Array(token.utf8)))
        #expect(claims.tokenID == "legacy.\(digest)")
        let quiet = try backend.client(secret: backend.secret, scopes: ["chat"])
        #expect(
            try backend.verifier(quiet).verify(token, atSecondsSinceEpoch: Backend.now).scopes
                == [])
    }

    @Test(
        "A legacy token is rejected from the second its leeway ends (RFC 7519 §4.1.4)",
        arguments: [(Int64(1_800_000_629), true), (1_800_000_630, false)])
    func end(now: Int64, isAccepted: Bool) throws {
        let fault = try backend.fault(try backend.token(), at: now)
        #expect(fault == (isAccepted ? nil : .expired(secondsAgo: 30)))
    }

    @Test("A legacy token's MAC must be its client's (RFC 7515 §5.2)")
    func signature() throws {
        let other = Array("another secret of at least 32 bytes".utf8)
        #expect(try backend.fault(try backend.token(secret: other)) == .badSignature)
        let good = try backend.token()
        #expect(try backend.fault(String(good.dropLast(23))) == .badSignature)
        let parts = good.split(separator: ".")
        #expect(try backend.fault("\(parts[0]).\(parts[1]).") == .notCompact)
        #expect(try backend.fault("\(good).\(parts[2])") == .notCompact)
        #expect(try backend.fault("\(good)=") == .badEncoding(.signature))
        let payload = Base64URL.encode(Array(backend.payload(expiresAt: "1800000700").utf8))
        #expect(try backend.fault("\(parts[0]).\(payload).\(parts[2])") == .badSignature)
    }

    @Test("Without a legacy secret of its own a client has no legacy tokens")
    func noSecret() throws {
        let token = try backend.token()
        let clients = [
            backend.verifier(), backend.verifier(try backend.client()),
            backend.verifier(try backend.client("c_2", secret: backend.secret)),
        ]
        for verifier in clients {
            #expect(throws: TokenFault.unknownKey) {
                _ = try verifier.verify(token, atSecondsSinceEpoch: Backend.now)
            }
        }
    }

    @Test("A client that is not ASCII is none, whatever it looks like (RFC 7519 §7.3)")
    func canonicalEquivalence() throws {
        let precomposed = try backend.client("c_\u{E9}", secret: backend.secret)
        let token = try backend.token(payload: backend.payload("c_e\u{301}"))
        #expect(throws: TokenFault.malformedClaim(.clientID)) {
            _ = try backend.verifier(precomposed).verify(token, atSecondsSinceEpoch: Backend.now)
        }
    }

    @Test("confusion: a public key is nobody's HMAC secret (CVE-2015-9235, CVE-2022-29217)")
    func confusion() throws {
        for algorithm in [SignatureAlgorithm.es256, .rs256] {
            let jwk = try SigningKey.generate(algorithm).publicKey.jwk.serialized()
            #expect(try backend.fault(try backend.token(secret: jwk)) == .badSignature)
        }
    }

    @Test(
        "A legacy token's header says HS256 exactly, and no other type (RFC 8725 §3.1, §3.11)",
        arguments: [
            (#"{"alg":"none"}"#, TokenFault.unknownAlgorithm),
            (#"{"alg":"hs256"}"#, .unknownAlgorithm), (#"{"alg":"HS512"}"#, .unknownAlgorithm),
            (#"{"alg":"ES256","typ":"JWT"}"#, .unknownAlgorithm),
            (#"{"typ":"JWT"}"#, .badHeader(member: .algorithm)),
            (#"{"alg":"HS256","typ":"at+jwt"}"#, .wrongType),
            (#"{"alg":"HS256","typ":"usher-session+jwt"}"#, .wrongType),
            (#"{"alg":"HS256","crit":["exp"]}"#, .criticalHeader),
            (#"{"alg":"HS256","b64":false}"#, .badHeader(member: .unencodedPayload)),
            (#"{"alg":"HS256","alg":"HS256"}"#, .badJSON(.header)),
        ])
    func header(_ header: String, _ fault: TokenFault) throws {
        #expect(try backend.fault(try backend.token(header: header)) == fault)
    }

    @Test("A legacy token with an audience is for that audience (RFC 7519 §4.1.3)")
    func audience() throws {
        func token(_ audience: String) throws -> String {
            try backend.token(
                payload: #"{"client":"c_1","expiresAt":1800000600,"aud":"\#(audience)"}"#)
        }
        #expect(try backend.fault(try token(Backend.site)) == nil)
        #expect(try backend.fault(try token("https://elsewhere.example")) == .wrongAudience)
    }

    @Test("A legacy token that ends more than 366 days ahead is refused")
    func farEnd() throws {
        let latest = Backend.now + LegacyClaims.secondsAheadMax
        let good = try backend.token(payload: backend.payload(expiresAt: "\(latest)"))
        let bad = try backend.token(payload: backend.payload(expiresAt: "\(latest + 1)"))
        #expect(try backend.fault(good) == nil)
        #expect(try backend.fault(bad) == .malformedClaim(.expiresAt))
    }

    @Test("UsherVerifier takes no legacy token, whoever holds the secret (RFC 8725 §3.1)")
    func publicVerifier() throws {
        let token = try backend.token()
        let asymmetric = try Verifier(
            issuer: Backend.site, audience: Backend.site, algorithms: [.es256, .rs256, .eddsa],
            keys: .keys([try SigningKey.generate(.es256).publicKey]))
        #expect(throws: TokenRejection.algorithmNotAllowed) {
            _ = try asymmetric.verify(token, atSecondsSinceEpoch: Backend.now)
        }
        let secret = try PublicKey(
            .oct(k: backend.secret), keyID: "k", sha256: Digest.sha256)
        let symmetric = try Verifier(
            issuer: Backend.site, audience: Backend.site, signatureAlgorithms: [.hs256],
            keys: .keys([secret]))
        let named = try backend.token(header: #"{"alg":"HS256","typ":"JWT","kid":"k"}"#)
        for kinds in [[TokenKind.access], [.access, .session, .legacy]] {
            #expect(throws: TokenRejection.wrongType) {
                _ = try symmetric.verify(
                    named, atSecondsSinceEpoch: Backend.now, accepting: Set(kinds))
            }
        }
    }
}
