import Bytes
import Identifiers
import StrictJSON
import Testing
import Tokens

@Suite("Claims of legacy tokens (docs/architecture.md §4)")
struct LegacyClaimsTests {
    private func read(_ json: String) throws(TokenFault) -> LegacyClaims {
        try LegacyClaims(reading: Array(json.utf8).span)
    }

    private func fault(_ json: String) -> TokenFault? {
        do throws(TokenFault) {
            _ = try read(json)
            return nil
        } catch {
            return error
        }
    }

    @Test("client and expiresAt are read, what nobody asks for is passed over")
    func all() throws {
        let claims = try read(
            #"{"\u0063lient":"c_1","expiresAt":1600,"iss":7,"rooms":["*"],"name":"Eve","x":{}}"#)
        #expect(claims.clientID == "c_1")
        #expect(claims.expiresAt == 1600)
        #expect(claims.notBefore == nil)
        #expect(claims.audience == nil)
    }

    @Test(
        "The fraction of expiresAt never lengthens a token's life",
        arguments: [
            ("1600.999999", Int64(1600)), ("1600.0", 1600), ("1.6e3", 1600), ("0.5", 0), ("0", 0),
            ("1699999999.123456789", 1_699_999_999),
        ])
    func fraction(_ text: String, _ second: Int64) throws {
        #expect(try read(#"{"client":"c","expiresAt":\#(text)}"#).expiresAt == second)
    }

    @Test("What a backend sets beside limits the token too (RFC 7519 §4.1.3 to §4.1.5)")
    func registeredClaims() throws {
        let claims = try read(
            #"{"client":"c","expiresAt":1600,"exp":1500.9,"nbf":1000.1,"aud":"https://a"}"#)
        #expect(claims.expiresAt == 1500)
        #expect(claims.notBefore == 1001)
        #expect(claims.audience == ["https://a"])
        #expect(try read(#"{"client":"c","expiresAt":1600,"exp":1700}"#).expiresAt == 1600)
    }

    @Test("Both claims are required, whatever else is there, even those of a token of ours")
    func missing() {
        #expect(fault(#"{"expiresAt":1600}"#) == .missingClaim(.clientID))
        #expect(fault(#"{"client":"c"}"#) == .missingClaim(.expiresAt))
        #expect(fault(#"{"client":"c","exp":1600}"#) == .missingClaim(.expiresAt))
        #expect(fault(#"{"client_id":"c","exp":1600}"#) == .missingClaim(.clientID))
        #expect(fault(#"{"x":{"client":"c"},"expiresAt":1600}"#) == .missingClaim(.clientID))
    }

    @Test(
        "A claim of the wrong form is refused",
        arguments: [
            (#""client":"","expiresAt":1"#, Claim.clientID),
            (#""client":7,"expiresAt":1"#, .clientID),
            (#""client":null,"expiresAt":1"#, .clientID),
            (#""client":["c"],"expiresAt":1"#, .clientID),
            (#""client":"c\u0301","expiresAt":1"#, .clientID),
            (#""client":"c\n","expiresAt":1"#, .clientID),
            (#""client":"c","expiresAt":"1600""#, .expiresAt),
            (#""client":"c","expiresAt":null"#, .expiresAt),
            (#""client":"c","expiresAt":true"#, .expiresAt),
            (#""client":"c","expiresAt":-1"#, .expiresAt),
            (#""client":"c","expiresAt":1e400"#, .expiresAt),
            // In milliseconds, as Date.now() counts.
            (#""client":"c","expiresAt":1700000000000"#, .expiresAt),
            (#""client":"c","expiresAt":1600,"exp":"1600""#, .expiresAt),
            (#""client":"c","expiresAt":1600,"nbf":"0""#, .notBefore),
            (#""client":"c","expiresAt":1600,"aud":[]"#, .audience),
        ])
    func malformed(_ members: String, _ claim: Claim) {
        #expect(fault("{\(members)}") == .malformedClaim(claim))
    }

    @Test(
        "A name that stands twice is refused, escaped or not (RFC 8725 §2.4)",
        arguments: [
            #"{"client":"a","client":"b","expiresAt":1}"#,
            #"{"client":"a","\u0063lient":"b","expiresAt":1}"#,
            #"{"client":"a","expiresAt":1,"expiresAt":2}"#, #"["client"]"#, "", "null",
            #"{"client":"a","expiresAt":1}x"#, #"{"client":"\ud800","expiresAt":1}"#,
        ])
    func strictness(_ json: String) {
        #expect(fault(json) == .badJSON(.payload))
    }

    @Test("A token that is bound to a key is no bearer token (RFC 9449 §7.2)")
    func confirmation() {
        #expect(fault(#"{"client":"c","expiresAt":1,"cnf":{}}"#) == .senderConstrained)
    }

    @Test("An end more than 366 days ahead is refused")
    func tooFar() throws {
        let claims = try read(#"{"client":"c","expiresAt":31622400}"#)
        try claims.checkEnd(now: 0)
        #expect(throws: TokenFault.malformedClaim(.expiresAt)) { try claims.checkEnd(now: -1) }
        let latest = try read(#"{"client":"c","expiresAt":\#(NumericDate.latest)}"#)
        #expect(throws: TokenFault.malformedClaim(.expiresAt)) { try latest.checkEnd(now: 0) }
        try latest.checkEnd(now: .max)
    }
}
