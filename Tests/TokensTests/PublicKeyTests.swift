import Bytes
import StrictJSON
import Testing
import Tokens

@Suite("Public keys (RFC 7517, RFC 7518, RFC 8037)")
struct PublicKeyTests {
    private static func decoded(_ text: String) -> [UInt8] { Base64URL.decode(text) ?? [] }
    private static let modulus = decoded(KeyVectors.rsaModulus)
    private static let exponent: [UInt8] = [1, 0, 1]

    private func fault(_ material: PublicKey.Material) -> KeyFault? {
        do throws(KeyFault) {
            _ = try PublicKey(material, sha256: sha256)
            return nil
        } catch {
            return error
        }
    }

    @Test("The digest these tests compute is SHA-256 (FIPS 180-4 examples)")
    func digest() {
        func hex(_ text: String) -> String {
            sha256(Array(text.utf8)).map {
                let digits = String($0, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
        }
        #expect(hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test("The thumbprint of RFC 7638 §3.1")
    func rsaThumbprint() throws {
        let key = try PublicKey(.rsa(n: Self.modulus, e: Self.exponent), sha256: sha256)
        #expect(key.keyID == KeyVectors.rsaThumbprint)
        #expect(key.algorithm == .rs256)
    }

    @Test("The thumbprint of RFC 8037 appendix A.3")
    func ed25519Thumbprint() throws {
        let key = try PublicKey(
            .okp(x: Self.decoded(KeyVectors.ed25519)), keyID: "other", sha256: sha256)
        #expect(key.keyID == "other")
        #expect(key.thumbprint(sha256: sha256) == KeyVectors.ed25519Thumbprint)
    }

    @Test("A published key has its public members alone, its kid, alg and use")
    func published() throws {
        let key = try PublicKey(
            .ec(x: Self.decoded(KeyVectors.p256X), y: Self.decoded(KeyVectors.p256Y)),
            keyID: "k", sha256: sha256)
        #expect(
            key.jwk == [
                "crv": "P-256", "kty": "EC", "x": .string(KeyVectors.p256X),
                "y": .string(KeyVectors.p256Y), "kid": "k", "alg": "ES256", "use": "sig",
            ])
    }

    @Test("A shared secret is not in what is published or printed (RFC 7517 §9.2)")
    func secretStaysSecret() throws {
        let secret = [UInt8](repeating: 0x5A, count: 32)
        let key = try PublicKey(.oct(k: secret), keyID: "k", sha256: sha256)
        let texts = [
            "\(key)", String(reflecting: key),
            String(decoding: key.jwk.serialized(), as: UTF8.self),
            String(decoding: JWKSet.serialize([key]), as: UTF8.self),
        ]
        for text in texts { #expect(!text.contains(Base64URL.encode(secret))) }
        #expect(!texts[1].contains("90, 90"))
        #expect(texts[3] == #"{"keys":[]}"#)
    }

    @Test("EC coordinates and Ed25519 points have their full width (RFC 7518 §6.2.1, RFC 8037 §2)")
    func widths() {
        let full = Self.decoded(KeyVectors.p256X)
        for wrong in [[], Array(full.dropLast()), [0] + full] {
            #expect(fault(.ec(x: wrong, y: full)) == .malformedMember("x"))
            #expect(fault(.ec(x: full, y: wrong)) == .malformedMember("y"))
            #expect(fault(.okp(x: wrong)) == .malformedMember("x"))
        }
    }

    @Test("An RSA modulus has 2048 bits at least (RFC 7518 §3.3) and 8192 at most")
    func modulusLength() {
        func number(bits: Int) -> [UInt8] {
            let top = UInt8(1) << UInt8((bits - 1) % 8)
            return [top] + [UInt8](repeating: 0x5B, count: (bits + 7) / 8 - 1)
        }
        #expect(fault(.rsa(n: number(bits: 1024), e: Self.exponent)) == .weakModulus(bits: 1024))
        #expect(fault(.rsa(n: number(bits: 2047), e: Self.exponent)) == .weakModulus(bits: 2047))
        #expect(fault(.rsa(n: number(bits: 2048), e: Self.exponent)) == nil)
        #expect(fault(.rsa(n: number(bits: 8192), e: Self.exponent)) == nil)
        #expect(fault(.rsa(n: number(bits: 8193), e: Self.exponent)) == .modulusTooLong(bits: 8193))
        #expect(fault(.rsa(n: [], e: Self.exponent)) == .malformedMember("n"))
        #expect(fault(.rsa(n: [0] + Self.modulus, e: Self.exponent)) == .malformedMember("n"))
        #expect(fault(.rsa(n: Self.modulus.dropLast() + [2], e: [3])) == .malformedMember("n"))
    }

    @Test("An RSA exponent is odd, at least 3 and below 2^32 (docs/conformance.md, RSA padding)")
    func exponent() {
        for bad: [UInt8] in [[1], [2], [4], [1, 0, 0], [1, 0, 2], [1, 0, 0, 0, 1]] {
            #expect(fault(.rsa(n: Self.modulus, e: bad)) == .badExponent)
        }
        for bad: [UInt8] in [[], [0], [0, 1, 0, 1]] {
            #expect(fault(.rsa(n: Self.modulus, e: bad)) == .malformedMember("e"))
        }
        for good: [UInt8] in [[3], [1, 0, 1], [0xFF, 0xFF, 0xFF, 0xFF]] {
            #expect(fault(.rsa(n: Self.modulus, e: good)) == nil)
        }
    }

    @Test("A modulus with the ROCA fingerprint is refused (CVE-2017-15361)")
    func roca() {
        // 65537 to any power, reduced by no prime: it lies in every group that 65537 generates.
        var power: [UInt8] = [1]
        while power.count < 257 { power = Self.times65537(power) }
        let modulus = Array(power.reversed())
        #expect(fault(.rsa(n: modulus, e: Self.exponent)) == .rocaModulus)
    }

    /// Little-endian.
    private static func times65537(_ number: [UInt8]) -> [UInt8] {
        var carry = 0
        var product: [UInt8] = []
        for index in 0..<(number.count + 3) {
            let low = index < number.count ? Int(number[index]) : 0
            let high = index >= 2 && index - 2 < number.count ? Int(number[index - 2]) : 0
            carry += low + high
            product.append(UInt8(carry & 0xFF))
            carry >>= 8
        }
        while product.last == 0 { product.removeLast() }
        return product
    }

    @Test("Ed25519 points of small order, and second spellings, are no keys (RFC 8032 §5.1.3)")
    func smallOrder() {
        let zeros = [UInt8](repeating: 0, count: 31)
        let ones = [UInt8](repeating: 0xFF, count: 30)
        let order8 = Self.decoded("JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU")
        var bad: [[UInt8]] = [
            zeros + [0], zeros + [0x80], [1] + zeros, [1] + zeros.dropLast() + [0x80], order8,
            order8.dropLast() + [0x85], [0xEC] + ones + [0x7F], [0xEC] + ones + [0xFF],
        ]
        for low in UInt8(0xED)...0xFF {
            bad.append([low] + ones + [0x7F])
            bad.append([low] + ones + [0xFF])
        }
        for point in bad { #expect(fault(.okp(x: point)) == .badPoint) }
        #expect(fault(.okp(x: [0xEB] + ones + [0x7F])) == nil)
    }

    @Test("A secret has 32 bytes at least (RFC 7518 §3.2, CVE-2019-20933)")
    func secretLength() {
        for count in [0, 1, 31] {
            let secret = [UInt8](repeating: 1, count: count)
            #expect(fault(.oct(k: secret)) == .shortSecret(byteCount: count))
        }
        #expect(fault(.oct(k: [UInt8](repeating: 1, count: 32))) == nil)
    }

    @Test("Every fault has a code and says what is wrong")
    func faults() {
        let faults: [KeyFault] = [
            .badJSON("x"), .missingMember("x"), .malformedMember("x"), .unsupported(member: "x"),
            .algorithmMismatch, .wrongUse, .wrongOperations, .privateMember("d"), .symmetricKey,
            .asymmetricKey, .weakModulus(bits: 1), .modulusTooLong(bits: 1), .badExponent,
            .rocaModulus, .badPoint, .shortSecret(byteCount: 1), .malformedKeyID,
            .duplicateKeyID("x"), .tooManyKeys(33),
        ]
        #expect(Set(faults.map(\.code)).count == faults.count)
        for fault in faults { #expect(fault.description.count > 15) }
    }
}
