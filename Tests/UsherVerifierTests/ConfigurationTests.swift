import Bytes
import Cryptography
import StrictJSON
import Testing
import Tokens
import UsherVerifier

@Suite("Making a verifier")
struct ConfigurationTests {
    private static let key = try! SigningKey.generate(.es256)

    private func error(
        issuer: String = "i", audience: String = "a",
        algorithms: Set<Verifier.Algorithm> = [.es256], keys: KeySource? = nil,
        leewaySeconds: Int = 30, cacheCapacity: Int = 10
    ) -> VerifierConfigurationError? {
        do throws(VerifierConfigurationError) {
            _ = try Verifier(
                issuer: issuer, audience: audience, algorithms: algorithms,
                keys: keys ?? .keys([Self.key.publicKey]), leewaySeconds: leewaySeconds,
                cacheCapacity: cacheCapacity)
            return nil
        } catch {
            return error
        }
    }

    @Test("Issuer, audience and algorithms are given, never empty (RFC 8725 §3.1, §3.8, §3.9)")
    func required() {
        #expect(error() == nil)
        #expect(error(issuer: "") == .issuerEmpty)
        #expect(error(audience: "") == .audienceEmpty)
        #expect(error(algorithms: []) == .noAlgorithm)
    }

    @Test("Leeway and cache have bounds")
    func bounds() {
        for seconds in [0, 300] { #expect(error(leewaySeconds: seconds) == nil) }
        for seconds in [-1, 301, .max] {
            #expect(error(leewaySeconds: seconds) == .leewayOutOfRange(seconds))
        }
        for count in [0, 1_000_000] { #expect(error(cacheCapacity: count) == nil) }
        for count in [-1, 1_000_001] {
            #expect(error(cacheCapacity: count) == .cacheCapacityOutOfRange(count))
        }
    }

    @Test(
        "A set that is refused is refused with its reason",
        arguments: [
            "<html>", "{}", #"{"keys":[{"kty":"oct","k":"AAAA"}]}"#,
            #"{"keys":[{"kty":"EC","kid":"a","d":"AA"}]}"#,
            #"{"keys":[{"kty":"EC","kid":"a"},{"kty":"EC","kid":"a"}]}"#,
        ])
    func refusedSets(_ json: String) {
        guard case .keySetRefused(let reason) = error(keys: .keySet(json: Array(json.utf8))) else {
            Issue.record("the set was not refused")
            return
        }
        #expect(reason.count > 15)
    }

    @Test("A set without a usable key is refused, and why each was left out is told")
    func noUsableKey() throws {
        #expect(error(keys: .keys([])) == .noUsableKey(reasons: []))
        #expect(
            error(keys: .keySet(json: Array(#"{"keys":[]}"#.utf8))) == .noUsableKey(reasons: []))
        #expect(error(algorithms: [.eddsa]) == .noUsableKey(reasons: []))
        var jwk = try #require(Self.key.publicKey.jwk.object)
        jwk["use"] = "enc"
        let set: JSONValue = ["keys": [.object(jwk)]]
        #expect(
            error(keys: .keySet(json: set.serialized()))
                == .noUsableKey(reasons: [KeyFault.wrongUse.description]))
    }

    @Test("A point that is not on the curve is left out (RFC 8725 §3.4)")
    func invalidPoint() throws {
        var jwk = try #require(Self.key.publicKey.jwk.object)
        jwk["y"] = jwk["x"]
        let set: JSONValue = ["keys": [.object(jwk)]]
        guard case .noUsableKey(let reasons) = error(keys: .keySet(json: set.serialized())) else {
            Issue.record("the key was taken")
            return
        }
        #expect(reasons.count == 1)
    }

    @Test("Two keys with one kid are refused")
    func duplicates() {
        guard case .keySetRefused = error(keys: .keys([Self.key.publicKey, Self.key.publicKey]))
        else {
            Issue.record("the keys were taken")
            return
        }
    }

    @Test("Every error has a code and says what to change")
    func descriptions() {
        let errors: [VerifierConfigurationError] = [
            .issuerEmpty, .audienceEmpty, .noAlgorithm, .leewayOutOfRange(999),
            .cacheCapacityOutOfRange(-1), .keySetRefused(reason: "because"),
            .noUsableKey(reasons: ["this", "that"]), .keyFolder(path: "/x", reason: "y"),
        ]
        #expect(Set(errors.map(\.code)).count == errors.count)
        for error in errors { #expect(error.description.contains("`")) }
        #expect(errors[6].description.hasSuffix("this; that"))
    }
}
