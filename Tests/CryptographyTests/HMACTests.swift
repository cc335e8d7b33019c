import Testing

@testable import Cryptography

@Suite struct HMACTests {
    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    @Test("The cases of RFC 2202 §3")
    func sha1() {
        let first = HMACSHA1.tag(Array("Hi There".utf8), secret: Array(repeating: 0x0B, count: 20))
        #expect(Self.hex(first) == "b617318655057264e28bc0b6fb378c8ef146be00")
        let second = HMACSHA1.tag(
            Array("what do ya want for nothing?".utf8), secret: Array("Jefe".utf8))
        #expect(Self.hex(second) == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
        let third = HMACSHA1.tag(
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            secret: Array(repeating: 0xAA, count: 80))
        #expect(Self.hex(third) == "aa4ae5e15272d00e95705637ce8a3b55ed402112")
    }

    @Test("Cases 1, 2 and 6 of RFC 4231 §4")
    func sha256() {
        let first = HMACSHA256.tag(
            Array("Hi There".utf8), secret: Array(repeating: 0x0B, count: 20))
        #expect(
            Self.hex(first)
                == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        let second = HMACSHA256.tag(
            Array("what do ya want for nothing?".utf8), secret: Array("Jefe".utf8))
        #expect(
            Self.hex(second)
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        let sixth = HMACSHA256.tag(
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            secret: Array(repeating: 0xAA, count: 131))
        #expect(
            Self.hex(sixth)
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }
}
