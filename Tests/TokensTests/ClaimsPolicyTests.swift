import Identifiers
import Testing
import Tokens

@Suite("What is asked of claims")
struct ClaimsPolicyTests {
    private let policy = ClaimsPolicy(
        issuer: "https://a.example", audience: "https://b.example", leewaySeconds: 30)

    private func claims(_ change: (inout TokenClaims) -> Void = { _ in }) -> TokenClaims {
        var claims = TokenClaims(
            issuer: "https://a.example", audience: ["https://b.example"], subject: "s",
            clientID: "c", issuedAt: 500, expiresAt: 1000, tokenID: "t", scopes: [], rooms: [])
        change(&claims)
        return claims
    }

    private func fault(_ claims: TokenClaims, now: Int64) -> TokenFault? {
        do throws(TokenFault) {
            try policy.check(claims, now: now)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "A token is rejected from the second its leeway ends (RFC 7519 §4.1.4)",
        arguments: [
            (999, nil), (1_000, nil), (1_029, nil), (1_030, .expired(secondsAgo: 30)),
            (5_000, .expired(secondsAgo: 4_000)),
            (Int64.max, .expired(secondsAgo: NumericDate.latest - 1000)),
        ] as [(Int64, TokenFault?)])
    func expiry(_ now: Int64, _ expected: TokenFault?) {
        #expect(fault(claims(), now: now) == expected)
    }

    @Test(
        "A token is good from its nbf, less the leeway (RFC 7519 §4.1.5)",
        arguments: [
            (670, nil), (669, .notYetValid(secondsAhead: 31)),
        ] as [(Int64, TokenFault?)])
    func notBefore(_ now: Int64, _ expected: TokenFault?) {
        #expect(fault(claims { $0.notBefore = 700 }, now: now) == expected)
    }

    @Test(
        "A token from the future is refused, but for the leeway (docs/conformance.md, claims)",
        arguments: [
            (470, nil), (469, .issuedInFuture(secondsAhead: 31)),
            (Int64.min, .issuedInFuture(secondsAhead: 500)),
        ] as [(Int64, TokenFault?)])
    func issuedAt(_ now: Int64, _ expected: TokenFault?) {
        #expect(fault(claims(), now: now) == expected)
    }

    @Test(
        "The issuer is compared whole and byte by byte (RFC 7519 §7.3, CVE-2024-53861)",
        arguments: [
            "", "https://a.exampl", "https://a.example/", "https://a.example.evil",
            "HTTPS://a.example",
            "https://A.example", "http://a.example", " https://a.example", "https://a.example\u{0}",
        ])
    func issuer(_ issuer: String) {
        #expect(fault(claims { $0.issuer = issuer }, now: 600) == .wrongIssuer)
    }

    @Test("Names that Unicode calls equivalent are not equal (RFC 7519 §7.3)")
    func equivalence() {
        let policy = ClaimsPolicy(issuer: "caf\u{E9}", audience: "K", leewaySeconds: 0)
        #expect(throws: TokenFault.wrongIssuer) {
            try policy.check(claims { $0.issuer = "cafe\u{301}" }, now: 600)
        }
        #expect(throws: TokenFault.wrongAudience) {
            try policy.check(
                claims {
                    $0.issuer = "caf\u{E9}"
                    $0.audience = ["\u{212A}"]
                }, now: 600)
        }
    }

    @Test(
        "The audience must name us whole, alone or in a list (RFC 8725 §3.9)",
        arguments: [
            (["https://b.example"], true), (["x", "https://b.example"], true),
            (["https://b.example.evil"], false), (["https://b"], false), (["x", "y"], false),
            (["https://b.example https://b.example"], false), ([], false),
        ])
    func audience(_ audience: [String], _ isOurs: Bool) {
        let fault = fault(claims { $0.audience = audience }, now: 600)
        #expect(fault == (isOurs ? nil : .wrongAudience))
    }
}
