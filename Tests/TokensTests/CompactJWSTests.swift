import Testing
import Tokens

@Suite("Compact serialisation (RFC 7515 §7.1)")
struct CompactJWSTests {
    private func fault(_ text: String) -> TokenFault? {
        do throws(TokenFault) {
            _ = try CompactJWS(splitting: Array(text.utf8).span)
            return nil
        } catch {
            return error
        }
    }

    @Test("The three parts and the signing input are found")
    func parts() throws {
        let jws = try CompactJWS(splitting: Array("aa.bbb.c".utf8).span)
        #expect(jws.header == 0..<2)
        #expect(jws.payload == 3..<6)
        #expect(jws.signature == 7..<8)
        #expect(jws.signingInput == 0..<6)
    }

    @Test(
        "Anything but three parts is refused: JSON form, JWE, none (RFC 7515 §7.1)",
        arguments: [
            "", ".", "..", "...", "a", "a.b", "a.b.", ".b.c", "a..", "a.b.c.", "a.b.c.d",
            "a.b.c.d.e", #"{"payload":"Zm9v","signatures":[]}"#,
        ])
    func refused(_ text: String) {
        #expect(fault(text) == .notCompact)
    }

    @Test("Dots without end cost nothing but the look at the third (CVE-2025-30204)")
    func manyDots() {
        #expect(fault(String(repeating: ".", count: 8192)) == .notCompact)
        #expect(fault(String(repeating: ".", count: 8193)) == .tooLong)
    }

    @Test("8192 bytes are looked at, 8193 are not")
    func length() {
        let longest = "a.b." + String(repeating: "c", count: CompactJWS.bytesMax - 4)
        #expect(fault(longest) == nil)
        #expect(fault(longest + "c") == .tooLong)
    }

    @Test(
        "A part that is no base64url is named",
        arguments: [
            TokenFault.Part.header, .payload, .signature,
        ])
    func encoding(_ part: TokenFault.Part) {
        #expect(throws: TokenFault.badEncoding(part)) {
            _ = try CompactJWS.decode(part, 0..<2, of: Array("a=".utf8).span)
        }
    }
}
