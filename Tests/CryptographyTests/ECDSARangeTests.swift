import Testing
import Tokens

@testable import Cryptography

@Suite("ECDSA edge values (CVE-2022-21449)")
struct ECDSARangeTests {
    private static let order: [UInt8] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63,
        0x25, 0x51,
    ]

    private static let scalars: [[UInt8]] = {
        var below = order
        below[31] -= 1
        var above = order
        above[31] += 1
        let zero = [UInt8](repeating: 0, count: 32)
        return [
            zero, Array(zero.dropLast()) + [1], below, order, above,
            [UInt8](repeating: 0xFF, count: 32),
        ]
    }()

    @Test("No signature of edge values is good over anything")
    func edges() throws {
        let key = try VerifyingKey(SigningKey.generate(.es256).publicKey)
        for r in Self.scalars {
            for s in Self.scalars {
                #expect(!key.isValid(signature: r + s, over: Array("a.b".utf8)))
                #expect(!key.isValid(signature: r + s, over: []))
            }
        }
    }

    @Test("The same signature with s or r out of range by n is refused")
    func shifted() throws {
        let signing = try SigningKey.generate(.es256)
        let key = try VerifyingKey(signing.publicKey)
        let input = Array("a.b".utf8)
        let signature = try signing.sign(input)
        for half in [0, 32] {
            // Adding n keeps the value modulo n; where it overflows, 32 bytes cannot hold it.
            var shifted = signature
            var carry = 0
            for index in (0..<32).reversed() {
                carry += Int(signature[half + index]) + Int(Self.order[index])
                shifted[half + index] = UInt8(carry & 0xFF)
                carry >>= 8
            }
            #expect(!key.isValid(signature: shifted, over: input))
        }
    }

    @Test("Numbers of every length go into DER and come out of it (RFC 3279 §2.2.3, RFC 7518 §3.4)")
    func forms() {
        for count in 1...32 {
            for first: UInt8 in [0x01, 0x7F, 0x80, 0xFF] {
                let zeros = [UInt8](repeating: 0, count: 32 - count)
                let number = zeros + [first] + (1..<UInt8(count)).map { $0 &* 37 }
                let other = [UInt8](1...32)
                for raw in [number + other, other + number] {
                    var der: [UInt8] = []
                    der.append(addingCapacity: ECDSASignature.derBytesMax) { out in
                        ECDSASignature.appendDER(of: raw.span, to: &out)
                    }
                    let back = ECDSASignature.raw(fromDER: der.span)
                    #expect(back == raw)
                    let cut = ECDSASignature.raw(fromDER: der.span.extracting(droppingLast: 1))
                    #expect(cut == nil)
                }
            }
        }
    }

    @Test("A DER signature is not taken for a raw one (docs/conformance.md, ECDSA edge values)")
    func der() throws {
        let signing = try SigningKey.generate(.es256)
        let key = try VerifyingKey(signing.publicKey)
        let input = Array("a.b".utf8)
        let raw = try signing.sign(input)
        let r = (raw[0] >= 0x80 ? [0] : []) + raw[..<32]
        let s = (raw[32] >= 0x80 ? [0] : []) + raw[32...]
        let integers = [0x02, UInt8(r.count)] + r + [0x02, UInt8(s.count)] + s
        let der = [0x30, UInt8(integers.count)] + integers
        #expect(key.isValid(signature: raw, over: input))
        #expect(!key.isValid(signature: der, over: input))
    }
}
