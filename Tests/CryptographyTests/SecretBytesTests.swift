import Cryptography
import Glibc
import Testing

@Suite struct SecretBytesTests {
    @Test("An erased secret is gone from its memory, not from a copy of it")
    func erased() {
        var secret = [UInt8](repeating: 7, count: 4096)
        let before = unsafe secret.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        eraseSecret(&secret)
        let after = unsafe secret.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        #expect(before == after)
        #expect(secret.allSatisfy { $0 == 0 })
        var none: [UInt8] = []
        eraseSecret(&none)
        #expect(none.isEmpty)
    }

    @Test("A secret is read to its end, or to the limit, however it arrives")
    func read() throws {
        var ends: [Int32] = [0, 0]
        #expect(unsafe pipe(&ends) == 0)
        let text = Array("0123456789".utf8)
        #expect(unsafe write(ends[1], text, 4) == 4)
        #expect(unsafe write(ends[1], text, 10) == 10)
        close(ends[1])
        #expect(SecretReading.all(of: ends[0], bytesMax: 6) == Array("012301".utf8))
        #expect(SecretReading.all(of: ends[0], bytesMax: 100) == Array("23456789".utf8))
        #expect(SecretReading.all(of: ends[0], bytesMax: 100) == [])
        close(ends[0])
        #expect(SecretReading.all(of: -1, bytesMax: 6) == nil)
    }
}
