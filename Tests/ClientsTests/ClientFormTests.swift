import Bytes
import Clients
import Identifiers
import Testing
import Tokens

@Suite struct ClientFormTests {
    private let bytes16 = [UInt8](0..<16)
    private let bytes32 = [UInt8](0..<32)

    @Test("A client id is c_ and 22 characters of base64url (RFC 6749 §2.2)")
    func clientID() {
        let id = ClientID.make(fromRandom: bytes16)
        #expect(id == "c_AAECAwQFBgcICQoLDA0ODw")
        #expect(id.utf8.count == 24)
        #expect(id.isPlausible)
    }

    @Test(
        "A text that can be nobody's id is told apart without looking it up",
        arguments: [
            "", "c_ a", "c_\n", String(repeating: "c", count: 65), "c_\u{212A}", "é",
        ])
    func implausible(text: String) {
        #expect(!ClientID(text).isPlausible)
    }

    @Test("A secret holds 256 random bits, far below a guess of 2^-160 (RFC 6749 §10.10)")
    func secret() {
        let text = ClientSecretText.make(fromRandom: bytes32)
        #expect(text.utf8.count == 43)
        #expect(Base64URL.decode(text) == bytes32)
        #expect(
            ClientSecretText.digest(of: text, sha256: { Array($0.reversed()) })
                == Array(Array(text.utf8).reversed()))
    }

    @Test(
        "A secret is refused from the second its end names",
        arguments: [
            (now: Int64(99), live: true), (now: 100, live: false), (now: 101, live: false),
        ])
    func end(now: Int64, live: Bool) {
        let secret = ClientSecret(digest: [], createdAt: 0, expiresAt: 100)
        #expect(secret.isLive(atSecondsSinceEpoch: now) == live)
    }

    @Test("A secret without an end stays good")
    func noEnd() {
        #expect(ClientSecret(digest: [], createdAt: 0).isLive(atSecondsSinceEpoch: .max))
    }
}

@Suite struct TextRulesTests {
    @Test(
        "Names and subjects have 1 to 256 bytes and nothing that moves the cursor",
        arguments: [
            ("a", true), ("Zoë 🦊", true), (String(repeating: "n", count: 256), true), ("", false),
            (String(repeating: "n", count: 257), false),
            (String(repeating: "é", count: 129), false),
            ("a\nb", false), ("a\u{0}", false), ("a\u{7F}", false), ("a\u{85}", false),
            ("a\u{2028}", false), ("a\u{202E}b", false), ("a\u{2066}b", false), ("a\tb", false),
        ])
    func labels(text: String, isLabel: Bool) {
        #expect(TextRules.isLabel(ByteText(text)) == isLabel)
    }

    @Test(
        "A scope has the characters of RFC 6749 §3.3 and at most 64 of them",
        arguments: [
            ("signal", true), ("!#[]~", true), (String(repeating: "s", count: 64), true),
            ("", false),
            ("a b", false), ("a\"b", false), ("a\\b", false), ("é", false), ("a\u{7F}", false),
            (String(repeating: "s", count: 65), false),
        ])
    func scopes(text: String, isScope: Bool) {
        #expect(TextRules.isScope(ByteText(text)) == isScope)
    }
}
