import Bytes
import StrictJSON
import Testing
import Tokens

@testable import AuthService

@Suite struct AssertionFormTests {
    private static let now: Int64 = 1_800_000_000

    private func fault(_ change: (inout AssertionMaker) -> Void) throws -> AssertionFault? {
        var maker = try AssertionMaker(.eddsa)
        change(&maker)
        return fault(try maker.compact())
    }

    private func fault(_ compact: String) -> AssertionFault? {
        do throws(AssertionFault) {
            _ = try ClientAssertion(
                ByteText(compact), issuer: ByteText(AuthBench.issuer), now: Self.now)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "Claims that RFC 7523 §3 asks for must be there, and of their type",
        arguments: [
            ("iss", nil), ("iss", 1), ("iss", ""), ("iss", "c_two"), ("sub", nil), ("sub", "c_two"),
            ("aud", nil), ("aud", 1), ("exp", nil), ("exp", "1800000060"), ("exp", nil),
            ("exp", true), ("jti", nil), ("jti", ""), ("jti", 7), ("nbf", "x"), ("iat", []),
            ("jti", .string(String(repeating: "j", count: 257))),
        ] as [(String, JSONValue?)])
    func claims(name: String, value: JSONValue?) throws {
        let fault = try fault { $0.claims[ByteText(name)] = value }
        #expect(fault?.code == "assertion_claim")
        let named = name == "iss" && value == "c_two" ? "sub" : name
        #expect(fault?.description.contains(" \(named) ") == true, "\(fault?.description ?? "")")
    }

    @Test(
        "aud must be the issuer and nothing else (CVE-2025-27370, CVE-2025-27371)",
        arguments: [
            ("https://auth.example", true), (["https://auth.example"], true),
            ("https://auth.example/oauth2/token", false), ("https://auth.example/", false),
            ("https://auth.example:443", false), ("HTTPS://auth.example", false), ([], false),
            ("https://relay.example", false), ("", false), ([1], false),
            (["https://auth.example", "https://other.example"], false),
            (["https://auth.example", "https://auth.example"], false),
        ] as [(JSONValue, Bool)])
    func audience(value: JSONValue, isGood: Bool) throws {
        let fault = try fault { $0.claims["aud"] = value }
        #expect((fault == nil) == isGood)
        #expect(fault.map { $0.description.contains("aud") } ?? true)
    }

    @Test(
        "exp is not past and at most five minutes ahead, with 30 s for clocks (RFC 7523 §3)",
        arguments: [
            (Int64(-30), false), (-29, true), (0, true), (60, true), (300, true), (330, true),
            (331, false), (86_400, false),
        ])
    func end(ahead: Int64, isGood: Bool) throws {
        let fault = try fault { $0.claims["exp"] = .seconds(Self.now + ahead) }
        #expect((fault == nil) == isGood)
    }

    @Test(
        "nbf is honoured, and iat does not lie in the future (RFC 7523 §3)",
        arguments: ["nbf", "iat"],
        [(Int64(-3600), true), (0, true), (30, true), (31, false), (3600, false)])
    func beginning(name: String, at: (ahead: Int64, isGood: Bool)) throws {
        let fault = try fault { $0.claims[ByteText(name)] = .seconds(Self.now + at.ahead) }
        #expect((fault == nil) == at.isGood)
    }

    @Test("Times may have a fraction, and iat may be left out (RFC 7519 §2)")
    func fractions() throws {
        #expect(try fault { $0.claims["iat"] = nil } == nil)
        let half = try JSONValue.parse("1800000060.5".utf8.span)
        #expect(try fault { $0.claims["exp"] = half } == nil)
        let huge = try JSONValue.parse(Array("1e40".utf8))
        #expect(try fault { $0.claims["exp"] = huge }?.description.contains("exp") == true)
    }

    @Test(
        "The header names an algorithm of ours and asks for nothing else (RFC 8725 §3.1, §3.11)",
        arguments: [
            ("alg", nil, false), ("alg", "none", false), ("alg", "HS256", false),
            ("alg", "es256", false), ("alg", "ES384", false), ("alg", 1, false),
            ("crit", [], false), ("crit", ["exp"], false), ("b64", true, false),
            ("zip", "DEF", false), ("typ", nil, true), ("typ", "JWT", true), ("typ", "jwt", true),
            ("typ", "application/jwt", true), ("typ", "Client-Authentication+JWT", true),
            ("typ", "application/client-authentication+jwt", true), ("typ", "at+jwt", false),
            ("typ", "usher-session+jwt", false), ("typ", 1, false), ("typ", "", false),
            ("kid", 1, false), ("kid", "", false), ("kid", "a b", false), ("kid", nil, true),
            ("jku", "https://evil.example", true), ("jwk", [:], true),
        ] as [(String, JSONValue?, Bool)])
    func header(name: String, value: JSONValue?, isGood: Bool) throws {
        let fault = try fault { $0.header[ByteText(name)] = value }
        #expect((fault == nil) == isGood)
        #expect(fault.map { $0.code == "assertion_header" } ?? true)
    }

    @Test(
        "What is no compact JWS is refused (RFC 7515 §7.1)",
        arguments: [
            "", ".", "..", "a.b", "a.b.c.d", "e30.e30.", "e30=.e30.AA", "e30.e3 0.AA", "!.e30.AA",
            "W10.e30.AA", "e30.W10.AA", "e30x.e30.AA", #"{"payload":""}"#,
            String(repeating: "a", count: 8193),
        ])
    func form(compact: String) {
        let fault = fault(compact)
        #expect(fault != nil)
        #expect(fault?.description.contains("client_assertion") == true)
    }

    @Test(
        "Names that occur twice are refused in header and claims (RFC 7515 §4, RFC 7519 §4)",
        arguments: [true, false])
    func duplicates(isHeader: Bool) throws {
        let maker = try AssertionMaker(.eddsa)
        var header = String(decoding: JSONValue.object(maker.header).serialized(), as: UTF8.self)
        var claims = String(decoding: JSONValue.object(maker.claims).serialized(), as: UTF8.self)
        if isHeader {
            header = header.dropLast() + #","alg":"EdDSA"}"#
        } else {
            claims = claims.dropLast() + #","sub":"c_one"}"#
        }
        let compact = try maker.compact(
            header: Array(header.utf8), payload: Array(claims.utf8))
        #expect(fault(compact)?.code == "assertion_malformed")
    }

    @Test("No fault repeats anything of the assertion")
    func silence() throws {
        let fault = try fault {
            $0.claims["jti"] = .string(String(repeating: "secret", count: 60))
        }
        #expect(fault?.description.contains("secret") == false)
    }
}
