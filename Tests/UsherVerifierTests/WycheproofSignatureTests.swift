import Bytes
import Cryptography
import StrictJSON
import Testing
import Tokens

/// Wycheproof's files on bare signatures, with keys through our JWK importer.
@Suite(.enabled(if: Wycheproof.isThere, Wycheproof.comment))
struct WycheproofSignatureTests {
    private func key(_ jwk: JSONValue?) -> VerifyingKey? {
        guard let object = jwk?.object,
            let key = try? JWK.read(object, from: .published, sha256: Digest.sha256)
        else { return nil }
        return try? VerifyingKey(key)
    }

    /// - Returns: How many were taken.
    private func check(
        _ group: Wycheproof.Group, _ key: VerifyingKey?
    ) throws -> (taken: Int, count: Int) {
        var taken = 0
        for test in group.tests {
            let (number, signature) = try (test.number("tcId"), test.hex("sig"))
            let isAccepted =
                key?.isValid(signature: signature, over: try test.hex("msg")) == true
            // The one "acceptable" RSA case lacks a NULL in its ASN.1: we refuse it.
            let isValid = try test.text("result") == "valid"
            #expect(isAccepted == isValid, "tcId \(number)")
            taken += isAccepted ? 1 : 0
        }
        return (taken, group.tests.count)
    }

    @Test("262 cases of ECDSA on P-256 with raw signatures")
    func ecdsa() throws {
        var total = (taken: 0, count: 0)
        for group in try Wycheproof.groups("ecdsa_secp256r1_sha256_p1363_test") {
            let jwk = group.members["publicKeyJwk"]
            let key = try jwk == nil ? pointKey(group) : key(jwk)
            let (taken, count) = try check(group, key)
            total = (total.taken + taken, total.count + count)
        }
        #expect(total == (173, 262))
    }

    private func pointKey(_ group: Wycheproof.Group) throws -> VerifyingKey {
        let point = try #require(group.members["publicKey"]?.object).hex("uncompressed")
        let material = PublicKey.Material.ec(x: Array(point[1..<33]), y: Array(point[33...]))
        return try VerifyingKey(PublicKey(material, sha256: Digest.sha256))
    }

    @Test("151 cases of Ed25519")
    func ed25519() throws {
        var total = (taken: 0, count: 0)
        for group in try Wycheproof.groups("ed25519_test") {
            let (taken, count) = try check(group, key(group.members["publicKeyJwk"]))
            total = (total.taken + taken, total.count + count)
        }
        #expect(total == (88, 151))
    }

    @Test("259 cases of RSA PKCS #1 v1.5 with 2048 bits")
    func rsa() throws {
        var total = (taken: 0, count: 0)
        for group in try Wycheproof.groups("rsa_signature_2048_sha256_test") {
            let (taken, count) = try check(group, key(group.members["keyJwk"]))
            total = (total.taken + taken, total.count + count)
        }
        #expect(total.count == 259)
        #expect(total.taken > 0)
    }

    @Test("174 cases of HMAC-SHA-256: short keys make no key, short tags are no signatures")
    func hmac() throws {
        var counts = (taken: 0, count: 0)
        for group in try Wycheproof.groups("hmac_sha256_test") {
            let isFull = try group.members.number("tagSize") == 256
            for test in group.tests {
                let (number, secret) = try (test.number("tcId"), test.hex("key"))
                let key = (try? PublicKey(.oct(k: secret), sha256: Digest.sha256))
                    .flatMap { try? VerifyingKey($0) }
                let isAccepted =
                    key?.isValid(signature: try test.hex("tag"), over: try test.hex("msg")) == true
                let isValid = try test.text("result") == "valid"
                let expected = isValid && isFull && secret.count >= 32
                #expect(isAccepted == expected, "tcId \(number)")
                counts = (counts.taken + (isAccepted ? 1 : 0), counts.count + 1)
            }
        }
        #expect(counts.count == 174)
        #expect(counts.taken > 0)
    }
}
