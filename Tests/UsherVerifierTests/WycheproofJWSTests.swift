import Bytes
import Cryptography
import StrictJSON
import Testing
import Tokens
import UsherVerifier

/// Wycheproof's JSON Web files, through the verifier's JWS entry.
@Suite(.enabled(if: Wycheproof.isThere, Wycheproof.comment))
struct WycheproofJWSTests {
    /// Four groups leave `alg` out; their `use` and `key_ops` are what is wrong.
    private static let ours: Set<String?> = ["HS256", "RS256", "ES256", nil]

    /// Labels that no strict verifier can match, and what is right instead.
    ///
    /// 346, 350: the key is for PS256, the token says PS384. 347, 351: the key's `alg` is no
    /// registered name. 367, 370: byte for byte the same token as 357, which is valid. 372, 373: a
    /// "?" in the encoded text, over which the MAC was not made.
    private static let relabelled: [Int: Bool] = [
        346: false, 347: false, 350: false, 351: false, 367: true, 370: true, 372: false,
        373: false,
    ]

    private struct Case {
        let number: Int
        let isValid: Bool
        let algorithm: String?
        let isAccepted: Bool
    }

    /// Runs every JWS of a file with the keys of its group.
    private func cases(_ file: String) throws -> [Case] {
        try Wycheproof.groups(file).flatMap { group -> [Case] in
            let source = try #require(group.members["public"] ?? group.members["private"])
            let keys = source.object?["keys"] ?? .array([source])
            let isSecret = group.members["public"] == nil
            let verifier = verifier(["keys": keys], isSecret ? .ownSecret : .published)
            return try group.tests.compactMap { test in
                guard let jws = test["jws"] else { return nil }
                let text = jws.string.map { Array($0.utf8) } ?? jws.serialized()
                return Case(
                    number: try test.number("tcId"),
                    isValid: try test.text("result") == "valid",
                    algorithm: keys.array?.first?.object?["alg"]?.string?.string,
                    isAccepted: (try? verifier?.verifySignature(ofCompactJWS: text)) != nil)
            }
        }
    }

    /// Nil where no key is taken: then nothing is accepted.
    private func verifier(_ set: JSONValue, _ origin: JWK.Origin) -> Verifier? {
        guard
            let keys = try? JWKSet(
                parsing: set.serialized(), from: origin, sha256: Digest.sha256)
        else { return nil }
        return try? Verifier(
            issuer: "i", audience: "a", signatureAlgorithms: Set(SignatureAlgorithm.allCases),
            keys: .keys(keys.keys))
    }

    @Test("316 JWS cases of our algorithms come out right, and 85 of others are refused")
    func signatures() throws {
        let cases = try cases("json_web_signature_test")
        let ours = cases.filter { Self.ours.contains($0.algorithm) }
        let others = cases.filter { !Self.ours.contains($0.algorithm) }
        #expect((ours.count, others.count) == (316, 85))
        for test in ours {
            let expected = Self.relabelled[test.number] ?? test.isValid
            #expect(test.isAccepted == expected, "tcId \(test.number)")
        }
        for test in others { #expect(!test.isAccepted, "tcId \(test.number)") }
        #expect(ours.filter(\.isAccepted).count > 10)
    }

    @Test("26 key cases come out right, the ROCA key among them")
    func keys() throws {
        let cases = try cases("json_web_key_test")
        #expect(cases.count == 26)
        for test in cases {
            // HS384 and HS512 are no algorithms of ours.
            let expected = test.isValid && Self.ours.contains(test.algorithm)
            #expect(test.isAccepted == expected, "tcId \(test.number)")
        }
        #expect(cases.filter(\.isAccepted).map(\.number) == [2, 5, 13])
    }

    @Test("49 JWS cases of the combined file come out right; its JWEs are refused")
    func combined() throws {
        let cases = try cases("json_web_crypto_test")
        #expect(cases.count == 49)
        for test in cases { #expect(test.isAccepted == test.isValid, "tcId \(test.number)") }
        for group in try Wycheproof.groups("json_web_crypto_test") {
            let key = try #require(group.members["private"])
            let verifier = verifier(["keys": [key]], .ownSecret)
            for test in group.tests where test["jwe"] != nil {
                let text = Array((test["jwe"]?.string?.string ?? "").utf8)
                #expect((try? verifier?.verifySignature(ofCompactJWS: text)) == nil)
            }
        }
    }
}
