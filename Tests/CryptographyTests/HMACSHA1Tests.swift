import Testing

@testable import Cryptography

@Suite struct HMACSHA1Tests {
    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    @Test("The cases of RFC 2202 §3")
    func cases() {
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
}
