import Access
import Bytes
import Identifiers
import Testing
import Tokens

private let now: Int64 = 1_000_000

@Suite struct TokenCheckTests {
    /// Over a verifier with a leeway of 30 seconds, to which every token says these claims.
    private static func check(
        _ claims: TokenClaims,
        isRevoked: @escaping @Sendable (RevocableToken) -> Bool = { _ in false }
    ) -> TokenCheck {
        let policy = ClaimsPolicy(issuer: "i", audience: "a", leewaySeconds: 30)
        return TokenCheck(
            verify: { _, kinds, now throws(TokenRefused) in
                guard kinds.contains(claims.kind) else { throw TokenRefused(code: "token_type") }
                do throws(TokenFault) {
                    try policy.check(claims, now: now)
                } catch {
                    throw TokenRefused(code: "\(error)")
                }
                return claims
            }, isRevoked: isRevoked)
    }

    private static func claims(
        issuedAt: Int64 = now, notBefore: Int64? = nil, expiresAt: Int64 = now + 600,
        legacySecretDigest: [UInt8]? = nil
    ) -> TokenClaims {
        TokenClaims(
            issuer: "i", audience: ["a"], subject: "c:u", clientID: "c", issuedAt: issuedAt,
            notBefore: notBefore, expiresAt: expiresAt, tokenID: "t", scopes: [], rooms: [],
            kind: legacySecretDigest == nil ? .access : .legacy,
            legacySecretDigest: legacySecretDigest)
    }

    private static func refusal(
        _ claims: TokenClaims, _ leeway: TokenCheck.Leeway,
        isRevoked: @escaping @Sendable (RevocableToken) -> Bool = { _ in false }
    ) -> String? {
        do throws(TokenRefused) {
            let found = try check(claims, isRevoked: isRevoked).claims(
                of: "x", [.access, .legacy], leeway, now: now)
            #expect(found == claims)
            return nil
        } catch {
            return error.code
        }
    }

    // MARK: Times

    @Test(
        "A token is good to its end, and for the leeway after it only where that is meant",
        arguments: [
            (Int64(1), nil, nil), (0, nil, "token_expired"), (-1, nil, "token_expired"),
            (-29, nil, "token_expired"),
            (-30, "expired(secondsAgo: 30)", "expired(secondsAgo: 30)"),
        ] as [(Int64, String?, String?)])
    func end(secondsLeft: Int64, withLeeway: String?, strict: String?) {
        let claims = Self.claims(issuedAt: now - 900, expiresAt: now + secondsLeft)
        #expect(Self.refusal(claims, .verifiers) == withLeeway)
        #expect(Self.refusal(claims, .strict) == strict)
    }

    @Test(
        "Where no leeway is meant, clocks may still differ about a token's beginning",
        arguments: [
            (Int64(30), Int64?(30), nil), (31, nil, "issuedInFuture(secondsAhead: 31)"),
            (0, 31, "notYetValid(secondsAhead: 31)"),
        ] as [(Int64, Int64?, String?)])
    func beginning(issued: Int64, notBefore: Int64?, refusal: String?) {
        let claims = Self.claims(
            issuedAt: now + issued, notBefore: notBefore.map { now + $0 })
        #expect(Self.refusal(claims, .verifiers) == refusal)
        #expect(Self.refusal(claims, .strict) == refusal)
    }

    // MARK: What became of it since

    @Test("A revoked token is refused by its id, its subject or its client, once it verified")
    func revoked() {
        let claims = Self.claims()
        for leeway in [TokenCheck.Leeway.verifiers, .strict] {
            let refusal = Self.refusal(claims, leeway) { token in
                token.tokenID == "t" && token.subject == "c:u" && token.clientID == "c"
                    && token.issuedAt == now
            }
            #expect(refusal == "token_revoked")
        }
        let ended = Self.claims(issuedAt: now - 900, expiresAt: now)
        #expect(Self.refusal(ended, .strict) { _ in true } == "token_expired")
        #expect(throws: Never.self) {
            try Self.check(claims, isRevoked: { _ in true }).verified("x", [.access], now: now)
        }
    }

    @Test("A token of another kind is refused")
    func kind() {
        #expect(throws: TokenRefused(code: "token_type")) {
            try Self.check(Self.claims()).claims(of: "x", [.session], .verifiers, now: now)
        }
    }

    @Test(
        "A token is worth what its client is now, and a legacy one what the client's secret is",
        arguments: [
            (nil, nil, "client_unknown"), (nil, [1], "client_unknown"),
            (ClientStanding(isEnabled: false), nil, "client_disabled"),
            (ClientStanding(isEnabled: false, legacySecretDigest: [1]), [1], "client_disabled"),
            (ClientStanding(isEnabled: true), nil, nil),
            (ClientStanding(isEnabled: true, legacySecretDigest: [2]), nil, nil),
            (ClientStanding(isEnabled: true, legacySecretDigest: [1]), [1], nil),
            (ClientStanding(isEnabled: true, legacySecretDigest: [2]), [1], "token_revoked"),
            (ClientStanding(isEnabled: true), [1], "token_revoked"),
        ] as [(ClientStanding?, [UInt8]?, String?)])
    func client(standing: ClientStanding?, digest: [UInt8]?, refusal: String?) {
        let claims = Self.claims(legacySecretDigest: digest)
        let token = RevocableToken(claims)
        var found: String?
        do throws(TokenRefused) {
            #expect(try standing.check(token) == standing)
        } catch {
            found = error.code
        }
        #expect(found == refusal)
        #expect(Self.check(claims).isGood(token, of: standing) == (refusal == nil))
        let isGood = Self.check(claims, isRevoked: { _ in true }).isGood(token, of: standing)
        #expect(!isGood)
    }
}
