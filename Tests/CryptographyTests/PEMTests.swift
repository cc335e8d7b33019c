import Cryptography
import Testing
import Tokens

@Suite("Private keys as PEM")
struct PEMTests {
    @Test(
        "A key survives being written and read",
        arguments: [
            SignatureAlgorithm.es256, .rs256, .eddsa,
        ])
    func roundTrip(_ algorithm: SignatureAlgorithm) throws {
        let key = try TestKeys.key(algorithm)
        let read = try SigningKey(pem: key.pem())
        #expect(read.publicKey == key.publicKey)
        let signature = try read.sign([1, 2, 3])
        #expect(try VerifyingKey(key.publicKey).isValid(signature: signature, over: [1, 2, 3]))
    }

    @Test("A shared secret has no PEM form")
    func secret() throws {
        let key = try SigningKey.generate(.hs256)
        #expect(throws: CryptographyError.noPEMForm) { _ = try key.pem() }
    }

    @Test(
        "What is no PEM key is refused, without asking the terminal for a password",
        arguments: [
            "", "\0", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "BEGIN PRIVATE KEY",
        ])
    func garbage(_ text: String) {
        #expect(throws: CryptographyError.unreadablePEM) {
            _ = try SigningKey(pem: Array(text.utf8))
        }
    }

    @Test("A key that is cut short or changed in its middle is refused")
    func damaged() throws {
        let pem = try SigningKey.generate(.es256).pem()
        for count in [10, 40, pem.count / 2, pem.count - 20] {
            #expect(throws: CryptographyError.self) {
                _ = try SigningKey(pem: Array(pem.prefix(count)))
            }
        }
        var changed = pem
        changed[pem.count / 2] = UInt8(ascii: "!")
        #expect(throws: CryptographyError.self) { _ = try SigningKey(pem: changed) }
    }

    @Test("A public key is no private key")
    func publicKey() {
        // RFC 8410 §10.1.
        let words = ["PUBLIC", "KEY"].joined(separator: " ")
        let pem =
            "-----BEGIN \(words)-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rX"
            + "AxZuE=\n-----END \(words)-----\n"
        #expect(throws: CryptographyError.unreadablePEM) {
            _ = try SigningKey(pem: Array(pem.utf8))
        }
    }
}
