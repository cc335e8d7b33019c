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

    @Test("Each value has its letter, in every place of a group (RFC 4648 §4 and §5)")
    func letters() {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        let standard = Array((letters + "+/").utf8)
        let url = Array((letters + "-_").utf8)
        for shift in 0..<8 {
            let values = (0..<64).map { ($0 + shift) % 64 }
            let bits = values.flatMap { value in (0..<6).map { UInt8(value >> (5 - $0) & 1) } }
            let bytes = (0..<48).map { at in
                bits[(at * 8)..<(at * 8 + 8)].reduce(0) { $0 << 1 | $1 }
            }
            #expect(Array(Base64.encode(bytes).utf8) == values.map { standard[$0] })
            var text = Array("before.".utf8)
            Base64URL.append(bytes.span, to: &text)
            #expect(text == Array("before.".utf8) + values.map { url[$0] })
            let decoded = Base64.decode(Base64.encode(bytes).utf8.span)
            #expect(decoded == bytes)
        }
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
