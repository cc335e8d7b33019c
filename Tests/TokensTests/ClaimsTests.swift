import Bytes
import Identifiers
import StrictJSON
import Testing
import Tokens

@Suite("Claims (RFC 7519 §4, RFC 9068 §2.2)")
struct ClaimsTests {
    private static let good: JSONObject = [
        "iss": "https://a.example", "aud": "https://a.example", "sub": "c1:ann",
        "client_id": "c1", "iat": 1000, "exp": 1600, "jti": "t1",
    ]

    private func read(_ change: (inout JSONObject) -> Void) throws(TokenFault) -> TokenClaims {
        var object = Self.good
        change(&object)
        return try TokenClaims(reading: JSONValue.object(object).serialized().span, kind: .access)
    }

    private func fault(_ json: String) -> TokenFault? {
        do throws(TokenFault) {
            _ = try TokenClaims(reading: Array(json.utf8).span, kind: .access)
            return nil
        } catch {
            return error
        }
    }

    @Test("All claims are read, unknown ones are passed over")
    func all() throws {
        let claims = try read {
            $0["aud"] = ["x", "https://a.example"]
            $0["nbf"] = 999
            $0["scope"] = "signal chat"
            $0["rooms"] = ["team-*", "l\"obby"]
            $0["name"] = "Ann \u{1F600}"
            $0["other"] = ["iss": "x", "deep": [["exp": 1]]]
        }
        #expect(
            claims
                == TokenClaims(
                    issuer: "https://a.example", audience: ["x", "https://a.example"],
                    subject: "c1:ann", clientID: "c1", issuedAt: 1000, notBefore: 999,
                    expiresAt: 1600, tokenID: "t1", scopes: ["signal", "chat"],
                    rooms: [try RoomPattern("team-*"), try RoomPattern("l\"obby")],
                    name: "Ann \u{1F600}"))
    }

    @Test("Escaped names and values are what they stand for")
    func escapes() throws {
        let json =
            #"{"\u0069ss":"h\u0074tps:\/\/a","aud":["\u00e4","b\\\"c"],"sub":"s","#
            + #""client_id":"c","iat":1,"exp":2,"jti":"\ud83d\ude00"}"#
        let claims = try TokenClaims(reading: Array(json.utf8).span, kind: .session)
        #expect(claims.issuer == "https://a")
        #expect(claims.audience == ["ä", "b\\\"c"])
        #expect(claims.tokenID == "😀")
        #expect(claims.kind == .session)
    }

    @Test(
        "Each required claim is missed (RFC 9068 §2.2)",
        arguments: [
            Claim.issuer, .audience, .subject, .clientID, .issuedAt, .expiresAt, .tokenID,
        ])
    func missing(_ claim: Claim) {
        #expect(throws: TokenFault.missingClaim(claim)) {
            _ = try read { $0[ByteText(claim.rawValue)] = nil }
        }
    }

    @Test("A claim of the wrong type is refused, null included", arguments: Claim.allCases)
    func wrongType(_ claim: Claim) {
        for value: JSONValue in [.null, true, ["a": "b"], [1]] {
            let expected: TokenFault =
                claim == .confirmation ? .senderConstrained : .malformedClaim(claim)
            #expect(throws: expected) { _ = try read { $0[ByteText(claim.rawValue)] = value } }
        }
    }

    @Test("Numbers are no strings and strings no numbers (docs/conformance.md, JSON)")
    func typesAreNotConverted() {
        for claim: Claim in [.issuer, .audience, .subject, .clientID, .tokenID, .scope, .name] {
            #expect(throws: TokenFault.malformedClaim(claim)) {
                _ = try read { $0[ByteText(claim.rawValue)] = 1 }
            }
            #expect(throws: TokenFault.malformedClaim(claim)) {
                _ = try read { $0[ByteText(claim.rawValue)] = "" }
            }
        }
        for claim: Claim in [.issuedAt, .notBefore, .expiresAt] {
            #expect(throws: TokenFault.malformedClaim(claim)) {
                _ = try read { $0[ByteText(claim.rawValue)] = "1600" }
            }
        }
    }

    @Test(
        "Dates are finite, from 1970 to 9999 (RFC 7519 §2)",
        arguments: [
            "-1", "-0.5", "1e400", "-1e400", "253402300800", "99999999999999999999", "1e12",
            "9223372036854775808", "18446744073709551617",
        ])
    func dates(_ number: String) {
        for claim: Claim in [.issuedAt, .notBefore, .expiresAt] {
            let json = JSONValue.object(Self.good).serialized()
            var text = String(decoding: json, as: UTF8.self)
            text =
                claim == .notBefore
                ? text.replacing("{\"iss\"", with: "{\"nbf\":\(number),\"iss\"")
                : text.replacing(
                    claim == .issuedAt ? "1000" : "1600", with: number)
            #expect(fault(text) == .malformedClaim(claim))
        }
    }

    @Test("A fraction is rounded so that the token is good for less long")
    func fractions() throws {
        let dates = try ["1000.25", "1000.5", "1600.75"].map { try JSONValue.parse($0.utf8.span) }
        let claims = try read {
            $0["iat"] = dates[0]
            $0["nbf"] = dates[1]
            $0["exp"] = dates[2]
        }
        #expect((claims.issuedAt, claims.notBefore, claims.expiresAt) == (1001, 1001, 1600))
    }

    @Test("The latest date is the end of the year 9999, in any spelling")
    func latestDate() throws {
        #expect(try read { $0["exp"] = 253_402_300_799 }.expiresAt == NumericDate.latest)
        let json = String(decoding: JSONValue.object(Self.good).serialized(), as: UTF8.self)
        let text = json.replacing("1600", with: "1.6e3")
        #expect(try TokenClaims(reading: Array(text.utf8).span, kind: .access).expiresAt == 1600)
    }

    @Test("An audience is a string or a list of strings that is not empty (RFC 7519 §4.1.3)")
    func audience() throws {
        #expect(try read { $0["aud"] = ["a"] }.audience == ["a"])
        for value: JSONValue in [[], ["a", 1], ["a", .null], [["a"]]] {
            #expect(throws: TokenFault.malformedClaim(.audience)) {
                _ = try read { $0["aud"] = value }
            }
        }
    }

    @Test("Rooms are a list of patterns, maybe empty")
    func rooms() throws {
        #expect(try read { $0["rooms"] = [] }.rooms.isEmpty)
        for value: JSONValue in ["lobby", ["a b"], ["*a"], [""], ["a", 1]] {
            #expect(throws: TokenFault.malformedClaim(.rooms)) {
                _ = try read { $0["rooms"] = value }
            }
        }
    }

    @Test("A scope outside its grammar is refused (RFC 6749 §3.3)", arguments: ["a  b", " a", "ä"])
    func scope(_ text: String) {
        #expect(throws: TokenFault.malformedClaim(.scope)) {
            _ = try read { $0["scope"] = .string(text) }
        }
    }

    @Test("A token bound to its sender's key is no bearer token (RFC 9449 §7.2, RFC 7800)")
    func confirmation() {
        for value: JSONValue in [["jkt": "abc"], ["x5t#S256": "abc"], [:], .null] {
            #expect(throws: TokenFault.senderConstrained) { _ = try read { $0["cnf"] = value } }
        }
    }

    @Test(
        "A payload that is not one strict object is refused (RFC 7519 §4)",
        arguments: [
            "", "foo", "[]", "null", "{}x", #"{"iss":"a","iss":"b"}"#,
            #"{"iss":"a","\u0069ss":"b"}"#,
            #"{"iss":"\ud800"}"#, #"{"act":{"sub":"a","sub":"b"}}"#, "{\"iss\":\"\u{1}\"}",
            #"{"exp":1e}"#, #"{"exp":+1}"#, #"{"exp":0x10}"#, #"{"exp":Infinity}"#, "\u{FEFF}{}",
            #"{"x":"# + String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000)
                + "}",
        ])
    func strictness(_ json: String) {
        #expect(fault(json) == .badJSON(.payload))
    }
}
