import Cryptography
import Testing
import Tokens
import UsherVerifier

@Suite("Verifying access tokens")
struct VerifierTests {
    @Test("A good token's claims are handed out", arguments: SignatureAlgorithm.allCases)
    func good(_ algorithm: SignatureAlgorithm) throws {
        let forge = try Forge(algorithm)
        let token = try forge.token {
            $0.name = "Ann"
            $0.notBefore = Forge.now - 5
            $0.rooms = [try? RoomPattern("team-*"), try? RoomPattern("lobby")].compactMap { $0 }
        }
        let verified = try forge.verifier.verify(token, atSecondsSinceEpoch: Forge.now)
        #expect(verified.issuer == Forge.issuer)
        #expect(verified.audience == [Forge.audience])
        #expect(verified.subject == "c1:ann")
        #expect(verified.clientID == "c1")
        #expect(verified.tokenID == "t1")
        #expect(verified.scopes == ["signal"])
        #expect(verified.rooms == ["team-*", "lobby"])
        #expect(verified.name == "Ann")
        #expect(verified.issuedAt == Forge.now)
        #expect(verified.notBefore == Forge.now - 5)
        #expect(verified.expiresAt == Forge.now + 600)
        #expect(verified.has(scope: "signal") && !verified.has(scope: "sign"))
        #expect(verified.allows(room: "team-7") && !verified.allows(room: "other"))
    }

    @Test(
        "A token is rejected from the second its leeway ends, the cached one too (RFC 7519 §4.1.4)",
        arguments: [0, 100])
    func expiry(_ cacheCapacity: Int) throws {
        let forge = try Forge(leewaySeconds: 30, cacheCapacity: cacheCapacity)
        let token = try forge.token()
        for _ in 0..<2 {
            #expect(forge.rejection(of: token, at: Forge.now + 629) == nil)
        }
        #expect(forge.rejection(of: token, at: Forge.now + 630) == .expired(secondsAgo: 30))
        #expect(forge.rejection(of: token, at: Forge.now - 31) == .issuedInFuture(secondsAhead: 31))
        #expect(forge.rejection(of: token, at: Forge.now) == nil)
    }

    @Test("Any clock value is taken without a trap", arguments: [Int64.min, -1, 0, Int64.max])
    func clocks(_ now: Int64) throws {
        let forge = try Forge()
        #expect(forge.rejection(of: try forge.token(), at: now) != nil)
    }

    @Test("A session token is no access token, and the other way round (RFC 8725 §3.12)")
    func kinds() throws {
        let forge = try Forge()
        let session = try forge.token { $0.kind = .session }
        let access = try forge.token()
        #expect(forge.rejection(of: session) == .wrongType)
        for _ in 0..<2 {
            let verified = try forge.verifier.verify(
                session, atSecondsSinceEpoch: Forge.now, accepting: [.session])
            #expect(verified.claims.kind == .session)
            #expect(forge.rejection(of: session) == .wrongType)
            #expect(throws: TokenRejection.wrongType) {
                _ = try forge.verifier.verify(
                    access, atSecondsSinceEpoch: Forge.now, accepting: [.session])
            }
            _ = try forge.verifier.verify(
                access, atSecondsSinceEpoch: Forge.now, accepting: [.session, .access])
        }
    }

    @Test("A key set as published is enough to verify, and keys for other uses are left out")
    func keySet() throws {
        let forge = try Forge()
        let other = try SigningKey.generate(.eddsa)
        let json = JWKSet.serialize([other.publicKey, forge.key.publicKey])
        let verifier = try Verifier(
            issuer: Forge.issuer, audience: Forge.audience, algorithms: [.es256],
            keys: .keySet(json: json))
        _ = try verifier.verify(forge.token(), atSecondsSinceEpoch: Forge.now)
        let foreign = try Forge.token(
            header: Array(
                #"{"alg":"EdDSA","kid":"\#(other.publicKey.keyID)","typ":"at+jwt"}"#.utf8),
            payload: Array(Forge.goodPayload.utf8), key: other)
        #expect(throws: TokenRejection.algorithmNotAllowed) {
            _ = try verifier.verify(foreign, atSecondsSinceEpoch: Forge.now)
        }
    }

    @Test("The payload of any JWS is handed out once its signature holds")
    func signatureOnly() throws {
        let forge = try Forge()
        let header = #"{"alg":"ES256","kid":"\#(forge.key.publicKey.keyID)"}"#
        let jws = try forge.token(header: header, payload: "no JSON")
        #expect(
            try forge.verifier.verifySignature(ofCompactJWS: Array(jws.utf8))
                == Array("no JSON".utf8))
        #expect(forge.rejection(of: jws) == .wrongType)
    }

    @Test("Every rejection has a code of its own")
    func codes() {
        let rejections: [TokenRejection] = [
            .tooLong, .notCompact, .badEncoding, .badJSON, .criticalHeader,
            .badHeader(member: "alg"), .algorithmNotAllowed, .unknownKey, .algorithmMismatch,
            .wrongType, .badSignature, .missingClaim("iss"), .malformedClaim("iss"), .wrongIssuer,
            .wrongAudience, .expired(secondsAgo: 1), .notYetValid(secondsAhead: 1),
            .issuedInFuture(secondsAhead: 1), .senderConstrained, .keysUnavailable,
        ]
        #expect(Set(rejections.map(\.code)).count == rejections.count)
        #expect(rejections.allSatisfy { $0.code.hasPrefix("token_") })
    }
}
