import Bytes
import Testing

@Suite("base64url (RFC 4648 §5, RFC 7515 §2)")
struct Base64URLTests {
    @Test("The octets of RFC 7515 appendix C are encoded and decoded")
    func appendixC() {
        let bytes: [UInt8] = [3, 236, 255, 224, 193]
        #expect(Base64URL.encode(bytes) == "A-z_4ME")
        #expect(Base64URL.decode("A-z_4ME") == bytes)
    }

    @Test("Whatever is encoded decodes to itself, at every length", arguments: 0..<70)
    func roundTrip(_ count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 250) }
        let text = Base64URL.encode(bytes)
        #expect(text.utf8.count == Base64URL.encodedCount(count))
        #expect(Base64URL.decode(text) == bytes)
    }

    @Test(
        "Any second spelling is refused (docs/conformance.md, base64url)",
        arguments: [
            "A", "AAAAA", "Zg==", "Zg=", "Zm9v=", " Zm9v", "Zm9v ", "Zm\n9v", "Zm+v", "Zm/v",
            "Zm9?", "Zm9.", "Zm9\u{0}", "Zmé", "Zh", "Zm9", "AB", "ABD", "-_-_=",
        ])
    func refused(_ text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test("Of the four spellings of one octet one is taken: leftover bits must be zero")
    func trailingBits() {
        #expect(Base64URL.decode("Zg") == [0x66])
        for last in ["h", "i", "j", "v"] { #expect(Base64URL.decode("Z" + last) == nil) }
        #expect(Base64URL.decode("Zm8") == [0x66, 0x6F])
        for last in ["9", "-", "_"] { #expect(Base64URL.decode("Zm" + last) == nil) }
    }

    @Test("Every byte outside the alphabet is refused, in every place of a group")
    func alphabet() {
        let alphabet = Set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        for byte in UInt8.min...UInt8.max {
            for place in 0..<8 {
                var text = Array("AAAAAAAA".utf8)
                text[place] = byte
                #expect((Base64URL.decode(text.span) != nil) == alphabet.contains(byte))
            }
        }
    }
}
