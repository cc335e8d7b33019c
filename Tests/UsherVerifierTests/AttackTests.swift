import Bytes
import Cryptography
import StrictJSON
import Testing
import Tokens
import UsherVerifier

/// docs/conformance.md, Attacks on JWTs, class by class: every token here is signed by the right
/// key wherever that is possible, so that the one thing that is wrong with it must be what refuses
/// it.
@Suite("Known attacks on JWTs (docs/conformance.md, Attacks on JWTs)")
struct AttackTests {
    private static let forge = try! Forge()
    private var forge: Forge { Self.forge }
    private var keyID: String { forge.key.publicKey.keyID }

    private func rejection(header: String, payload: String = Forge.goodPayload) throws
        -> TokenRejection?
    {
        forge.rejection(of: try forge.token(header: header, payload: payload))
    }

    @Test("The forge's own good token is taken")
    func control() throws {
        #expect(try rejection(header: forge.goodHeader) == nil)
    }

    @Test(
        "unsigned: alg none in any case is refused (CVE-2020-28042, CVE-2022-23540)",
        arguments: [
            "none", "None", "NONE", "nOnE", "nonE",
        ])
    func unsigned(_ algorithm: String) throws {
        let header = #"{"alg":"\#(algorithm)","kid":"\#(keyID)","typ":"at+jwt"}"#
        #expect(try rejection(header: header) == .algorithmNotAllowed)
        let input =
            Base64URL.encode(Array(header.utf8)) + "."
            + Base64URL.encode(Array(Forge.goodPayload.utf8))
        #expect(forge.rejection(of: input + ".") == .notCompact)
        #expect(forge.rejection(of: input) == .notCompact)
        #expect(forge.rejection(of: input + ".AA") == .algorithmNotAllowed)
    }

    @Test("unsigned: a good token without its signature is refused (CVE-2020-28042)")
    func stripped() throws {
        let token = try forge.token()
        let parts = token.split(separator: ".")
        #expect(forge.rejection(of: "\(parts[0]).\(parts[1]).") == .notCompact)
        #expect(forge.rejection(of: "\(parts[0]).\(parts[1])") == .notCompact)
        #expect(forge.rejection(of: "\(parts[0]).\(parts[1]).AA") == .badSignature)
    }

    @Test(
        "confusion: a public key is no HMAC secret (CVE-2015-9235, CVE-2022-29217, CVE-2024-54150)"
    )
    func confusion() throws {
        guard case .ec(let x, let y) = forge.key.publicKey.material else { return }
        let secrets = [
            x + y, [4] + x + y, forge.key.publicKey.jwk.serialized(),
            JWKSet.serialize([forge.key.publicKey]),
        ]
        for secret in secrets {
            let header = #"{"alg":"HS256","kid":"\#(keyID)","typ":"at+jwt"}"#
            let token = try Forge.token(
                header: Array(header.utf8), payload: Array(Forge.goodPayload.utf8),
                key: try SigningKey(secret: secret))
            #expect(forge.rejection(of: token) == .algorithmNotAllowed)
            let lenient = try Verifier(
                issuer: Forge.issuer, audience: Forge.audience,
                signatureAlgorithms: Set(SignatureAlgorithm.allCases),
                keys: .keys([forge.key.publicKey]))
            #expect(throws: TokenRejection.algorithmMismatch) {
                _ = try lenient.verify(token, atSecondsSinceEpoch: Forge.now)
            }
        }
    }

    @Test("embedded key: jwk, jku, x5u and x5c bring no key along (CVE-2018-0114)")
    func embeddedKey() throws {
        let attacker = try SigningKey.generate(.es256)
        let jwk = String(decoding: attacker.publicKey.jwk.serialized(), as: UTF8.self)
        for member in [
            #""jwk":\#(jwk)"#, #""jku":"https://evil.example/jwks.json""#,
            #""x5u":"https://evil.example/x""#, #""x5c":["AAAA"]"#,
        ] {
            for (name, expected) in [
                (keyID, TokenRejection.badSignature), (attacker.publicKey.keyID, .unknownKey),
            ] {
                let header = #"{"alg":"ES256","kid":"\#(name)","typ":"at+jwt",\#(member)}"#
                let token = try Forge.token(
                    header: Array(header.utf8), payload: Array(Forge.goodPayload.utf8),
                    key: attacker)
                #expect(forge.rejection(of: token) == expected)
            }
        }
    }

    @Test("kid as input: paths, queries, NUL and length are refused, unknown ones get no key")
    func keyIDs() throws {
        for bad in [
            "' OR 1=1 --", "*)(uid=*", "x\\u0000", "a b", String(repeating: "k", count: 129), "",
        ] {
            let header = #"{"alg":"ES256","kid":"\#(bad)","typ":"at+jwt"}"#
            #expect(try rejection(header: header) == .badHeader(member: "kid"))
        }
        for unknown in ["../../../dev/null", "/dev/null", "0", keyID.lowercased() + "x"] {
            let header = #"{"alg":"ES256","kid":"\#(unknown)","typ":"at+jwt"}"#
            #expect(try rejection(header: header) == .unknownKey)
        }
        #expect(
            try rejection(header: #"{"alg":"ES256","typ":"at+jwt"}"#) == .badHeader(member: "kid"))
    }

    @Test("cross-issuer kid: a key serves its own issuer's verifier alone (RFC 8725 §3.8)")
    func otherIssuer() throws {
        let other = try Verifier(
            issuer: "https://other.example", audience: Forge.audience, algorithms: [.es256],
            keys: .keys([
                try PublicKey(
                    SigningKey.generate(.es256).publicKey.material, keyID: keyID,
                    sha256: Digest.sha256)
            ]))
        #expect(throws: TokenRejection.badSignature) {
            _ = try other.verify(forge.token(), atSecondsSinceEpoch: Forge.now)
        }
    }

    @Test("base64url: padding, white space, other alphabets and leftover bits are refused")
    func encodings() throws {
        let token = try forge.token()
        var parts = token.split(separator: ".").map(String.init)
        #expect(forge.rejection(of: token + "=") == .badEncoding)
        #expect(forge.rejection(of: token + "==") == .badEncoding)
        for bad in [" ", "\n", "+", "/", "\u{0}", "?", "%", "é"] {
            #expect(forge.rejection(of: token + bad) == .badEncoding)
            #expect(forge.rejection(of: bad + token) == .badEncoding)
        }
        // 64 bytes leave four bits in the last character; a lenient decoder drops them.
        let last = parts[2].removeLast()
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let place = try #require(alphabet.firstIndex(of: last))
        for bits in 1..<16 {
            let twin = parts.joined(separator: ".") + String(alphabet[place ^ bits])
            #expect(forge.rejection(of: twin) == .badEncoding)
        }
    }

    @Test(
        "JSON: duplicate names, trailing bytes, BOM and other laxity are refused",
        arguments: [
            #"{"alg":"ES256","alg":"ES256","kid":"KID","typ":"at+jwt"}"#,
            #"{"alg":"ES256","kid":"KID","typ":"at+jwt"} x"#, #"[{"alg":"ES256"}]"#,
            "\u{FEFF}{\"alg\":\"ES256\",\"kid\":\"KID\",\"typ\":\"at+jwt\"}",
            #"{"alg":"ES256","kid":"KID","typ":"at+jwt",}"#,
            #"{"alg":"ES256","kid":"KID","typ":"at+jwt","x":"\ud800"}"#,
            #"{"alg":"ES256","kid":"KID","typ":"at+jwt","x":1e}"#,
        ])
    func headers(_ header: String) throws {
        #expect(try rejection(header: header.replacing("KID", with: keyID)) == .badJSON)
    }

    @Test(
        "JSON: a lax payload is refused though its signature is right",
        arguments: [
            #"{"iss":"https://auth.example","#, "[1]", "", "null", "\"x\"",
            Forge.goodPayload + " x", "\u{FEFF}" + Forge.goodPayload,
            Forge.goodPayload.replacing("{\"iss\"", with: "{\"sub\":\"root\",\"iss\""),
            Forge.goodPayload.replacing("{\"iss\"", with: "{\"\\u0073ub\":\"root\",\"iss\""),
            Forge.goodPayload.replacing(
                "{\"iss\"",
                with: "{\"x\":" + String(repeating: "[", count: 1000)
                    + String(repeating: "]", count: 1000) + ",\"iss\""),
        ])
    func payloads(_ payload: String) throws {
        #expect(try rejection(header: forge.goodHeader, payload: payload) == .badJSON)
    }

    @Test(
        "crit: any refuses, b64=false above all (RFC 7797, CVE-2025-59420, CVE-2026-32597)",
        arguments: [
            #""crit":["exp"],"exp":1"#, #""crit":["b64"],"b64":false"#, #""crit":[]"#,
            #""crit":"x""#, #""crit":["http://example.invalid/UNDEFINED"]"#,
        ])
    func critical(_ members: String) throws {
        let header = #"{"alg":"ES256","kid":"\#(keyID)","typ":"at+jwt",\#(members)}"#
        #expect(try rejection(header: header) == .criticalHeader)
    }

    @Test("b64 and zip without crit are refused too (CVE-2024-28180)")
    func unencoded() throws {
        for (member, name) in [(#""b64":false"#, "b64"), (#""zip":"DEF""#, "zip")] {
            let header = #"{"alg":"ES256","kid":"\#(keyID)","typ":"at+jwt",\#(member)}"#
            #expect(try rejection(header: header) == .badHeader(member: name))
        }
    }

    @Test(
        "serialisation: JSON form, five parts, nesting, dots, megabytes (CVE-2025-30204)"
    )
    func serialisations() throws {
        let token = try forge.token()
        let parts = token.split(separator: ".")
        let json =
            #"{"protected":"\#(parts[0])","payload":"\#(parts[1])","signature":"\#(parts[2])"}"#
        #expect(forge.rejection(of: json) == .notCompact)
        #expect(forge.rejection(of: token + ".a.b") == .notCompact)
        #expect(forge.rejection(of: String(repeating: ".", count: 8000)) == .notCompact)
        #expect(forge.rejection(of: String(repeating: "a.", count: 1_000_000)) == .tooLong)
        #expect(forge.rejection(of: token + String(repeating: "A", count: 2_000_000)) == .tooLong)
        #expect(try rejection(header: forge.goodHeader, payload: token) == .badJSON)
    }

    @Test(
        "decompression and PBES2: a JWE is no token of ours (CVE-2022-36083, CVE-2023-6681)"
    )
    func encrypted() {
        let header = #"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"zip":"DEF"}"#
        let encoded = Base64URL.encode(Array(header.utf8))
        #expect(forge.rejection(of: encoded + ".AA.AA.AA.AA") == .notCompact)
        #expect(forge.rejection(of: encoded + ".AA.AA") != nil)
    }

    @Test(
        "claims: what is missing, foreign, early or late is refused",
        arguments: [
            ("exp", nil, TokenRejection.missingClaim("exp")), ("iss", nil, .missingClaim("iss")),
            ("aud", nil, .missingClaim("aud")), ("sub", nil, .missingClaim("sub")),
            ("client_id", nil, .missingClaim("client_id")), ("iat", nil, .missingClaim("iat")),
            ("jti", nil, .missingClaim("jti")),
            ("iss", #""https://auth.example.evil""#, .wrongIssuer),
            ("iss", #""https://auth.exampl""#, .wrongIssuer),
            ("iss", #"["https://auth.example"]"#, .malformedClaim("iss")),
            ("aud", #""https://relay.example.evil""#, .wrongAudience),
            ("aud", #""relay.example""#, .wrongAudience), ("aud", #"["x"]"#, .wrongAudience),
            ("aud", "[]", .malformedClaim("aud")), ("aud", "{}", .malformedClaim("aud")),
            ("exp", "1799999970", .expired(secondsAgo: 30)),
            ("exp", "0", .expired(secondsAgo: 1_800_000_000)),
            ("exp", "-1", .malformedClaim("exp")), ("exp", "1e400", .malformedClaim("exp")),
            ("exp", #""1800000600""#, .malformedClaim("exp")),
            ("exp", "null", .malformedClaim("exp")),
            ("exp", "true", .malformedClaim("exp")),
            ("exp", "[1800000600]", .malformedClaim("exp")),
            ("nbf", "1800000031", .notYetValid(secondsAhead: 31)),
            ("nbf", "-5", .malformedClaim("nbf")), ("nbf", #""0""#, .malformedClaim("nbf")),
            ("iat", "1800000031", .issuedInFuture(secondsAhead: 31)),
            ("iat", "9".padding(30), .malformedClaim("iat")),
            ("cnf", #"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#, .senderConstrained),
            ("scope", #""a  b""#, .malformedClaim("scope")),
            ("scope", #"["a"]"#, .malformedClaim("scope")),
            ("rooms", #""lobby""#, .malformedClaim("rooms")),
            ("rooms", #"["a*b"]"#, .malformedClaim("rooms")),
        ] as [(String, String?, TokenRejection)])
    func claims(_ name: String, _ value: String?, _ expected: TokenRejection) throws {
        var members = [
            ("iss", #""\#(Forge.issuer)""#), ("aud", #""\#(Forge.audience)""#),
            ("sub", #""c1:ann""#), ("client_id", #""c1""#), ("iat", "\(Forge.now)"),
            ("exp", "\(Forge.now + 600)"), ("jti", #""t1""#),
        ].filter { $0.0 != name }
        if let value { members.append((name, value)) }
        let payload = "{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
        #expect(try rejection(header: forge.goodHeader, payload: payload) == expected)
    }

    @Test(
        "token kind mix-up: only at+jwt is an access token (RFC 8725 §3.12)",
        arguments: [
            #","typ":"JWT""#, #","typ":"usher-session+jwt""#,
            #","typ":"client-authentication+jwt""#,
            #","typ":"dpop+jwt""#, #","typ":"""#, "", #","typ":"at+jwt;x""#,
        ])
    func types(_ type: String) throws {
        let header = #"{"alg":"ES256","kid":"\#(keyID)"\#(type)}"#
        #expect(try rejection(header: header) == .wrongType)
    }

    @Test(
        "token kind: application/at+jwt in any case is one (RFC 9068 §4)",
        arguments: [
            "application/at+jwt", "AT+JWT", "Application/At+Jwt",
        ])
    func goodTypes(_ type: String) throws {
        #expect(
            try rejection(header: #"{"alg":"ES256","kid":"\#(keyID)","typ":"\#(type)"}"#) == nil)
    }
}

extension String {
    fileprivate func padding(_ count: Int) -> String { String(repeating: self, count: count) }
}
