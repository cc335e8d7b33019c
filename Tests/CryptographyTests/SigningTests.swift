import Cryptography
import Testing
import Tokens

@Suite("Signing and verifying")
struct SigningTests {
    private static let input = Array("header.payload".utf8)

    @Test("What a key signs its public key verifies", arguments: SignatureAlgorithm.allCases)
    func roundTrip(_ algorithm: SignatureAlgorithm) throws {
        let key = try TestKeys.key(algorithm)
        #expect(key.algorithm == algorithm)
        let verifying = try VerifyingKey(key.publicKey)
        let signature = try key.sign(Self.input)
        #expect(verifying.isValid(signature: signature, over: Self.input))
        #expect(!verifying.isValid(signature: signature, over: Self.input + [0]))
        #expect(!verifying.isValid(signature: signature, over: []))
    }

    @Test("A signature with any one bit changed is refused", arguments: SignatureAlgorithm.allCases)
    func flippedBits(_ algorithm: SignatureAlgorithm) throws {
        let key = try TestKeys.key(algorithm)
        let verifying = try VerifyingKey(key.publicKey)
        let signature = try key.sign(Self.input)
        for bit in 0..<signature.count * 8 {
            var changed = signature
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!verifying.isValid(signature: changed, over: Self.input))
        }
    }

    @Test(
        "A signature that is refused changes nothing for the next",
        arguments: SignatureAlgorithm.allCases)
    func afterRefusal(_ algorithm: SignatureAlgorithm) throws {
        let key = try TestKeys.key(algorithm)
        let verifying = try VerifyingKey(key.publicKey)
        for round in 0..<20 {
            let input = Array("\(round)".utf8)
            let signature = try key.sign(input)
            #expect(!verifying.isValid(signature: signature, over: Self.input))
            #expect(verifying.isValid(signature: signature, over: input))
        }
    }

    @Test(
        "A signature of another length is refused (RFC 7518 §3.4, RFC 8037 §3.1, CVE-2020-28042)",
        arguments: SignatureAlgorithm.allCases)
    func lengths(_ algorithm: SignatureAlgorithm) throws {
        let key = try TestKeys.key(algorithm)
        let verifying = try VerifyingKey(key.publicKey)
        let signature = try key.sign(Self.input)
        #expect(signature.count == algorithm.signatureByteCount ?? SigningKey.modulusBits / 8)
        let others = [
            [], Array(signature.dropLast()), signature + [0], [0] + signature,
            Array(signature.dropFirst()), signature + signature,
        ]
        for other in others { #expect(!verifying.isValid(signature: other, over: Self.input)) }
    }

    @Test("A key does not verify what another signed", arguments: SignatureAlgorithm.allCases)
    func otherKeys(_ algorithm: SignatureAlgorithm) throws {
        let signature = try TestKeys.key(algorithm).sign(Self.input)
        for other in SignatureAlgorithm.allCases {
            let verifying = try VerifyingKey(TestKeys.otherKey(other).publicKey)
            #expect(!verifying.isValid(signature: signature, over: Self.input))
        }
    }

    @Test("ES256 signatures are 64 bytes also where r or s is short")
    func shortScalars() throws {
        let key = try SigningKey.generate(.es256)
        let verifying = try VerifyingKey(key.publicKey)
        var leadingZeros = 0
        for count in 0..<2000 {
            let input = Array("\(count)".utf8)
            let signature = try key.sign(input)
            #expect(signature.count == 64)
            if signature[0] == 0 || signature[32] == 0 {
                leadingZeros += 1
                #expect(verifying.isValid(signature: signature, over: input))
            }
        }
        #expect(leadingZeros > 0)
    }

    @Test("A shared secret under 32 bytes makes no key (RFC 7518 §3.2)")
    func weakSecret() {
        for count in [0, 1, 31] {
            let error = CryptographyError.unfitKey(.shortSecret(byteCount: count))
            #expect(throws: error) {
                _ = try SigningKey(secret: [UInt8](repeating: 7, count: count))
            }
            #expect(throws: error) {
                _ = try VerifyingKey(secret: [UInt8](repeating: 7, count: count))
            }
        }
    }

    @Test("A point that is not on the curve is no key (RFC 8725 §3.4)")
    func invalidPoint() throws {
        let key = try SigningKey.generate(.es256)
        guard case .ec(let x, var y) = key.publicKey.material else { return }
        y[31] ^= 1
        let moved = try PublicKey(.ec(x: x, y: y), sha256: Digest.sha256)
        #expect(throws: CryptographyError.invalidPublicKey(.es256)) { _ = try VerifyingKey(moved) }
        let infinity = try PublicKey(
            .ec(x: [UInt8](repeating: 0, count: 32), y: [UInt8](repeating: 0, count: 32)),
            sha256: Digest.sha256)
        #expect(throws: CryptographyError.invalidPublicKey(.es256)) {
            _ = try VerifyingKey(infinity)
        }
        let beyond = try PublicKey(
            .ec(x: [UInt8](repeating: 0xFF, count: 32), y: y), sha256: Digest.sha256)
        #expect(throws: CryptographyError.invalidPublicKey(.es256)) { _ = try VerifyingKey(beyond) }
    }

    @Test("Many threads sign and verify with one key", arguments: SignatureAlgorithm.allCases)
    func sharedContexts(_ algorithm: SignatureAlgorithm) async throws {
        let key = try TestKeys.key(algorithm)
        let verifying = try VerifyingKey(key.publicKey)
        let rounds = algorithm == .rs256 ? 20 : 200
        let failures = await withTaskGroup(of: Int.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    var failures = 0
                    for round in 0..<rounds {
                        let input = Array("\(worker).\(round)".utf8)
                        guard let signature = try? key.sign(input) else { return rounds }
                        if !verifying.isValid(signature: signature, over: input) { failures += 1 }
                        if verifying.isValid(signature: signature, over: input + [0]) {
                            failures += 1
                        }
                    }
                    return failures
                }
            }
            return await group.reduce(0, +)
        }
        #expect(failures == 0)
    }

    @Test("Every error has a code and says what is wrong")
    func errors() {
        let errors: [CryptographyError] = [
            .generationFailed(.es256), .unreadablePEM, .unsupportedKey, .unfitKey(.badExponent),
            .invalidPublicKey(.eddsa), .signingFailed(.rs256), .noPEMForm,
        ]
        #expect(Set(errors.map(\.code)).count == errors.count)
        for error in errors { #expect(error.description.count > 15) }
    }
}
