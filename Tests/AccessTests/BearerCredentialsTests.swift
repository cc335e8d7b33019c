import Access
import Bytes
import HTTPMessages
import Testing

@Suite struct BearerCredentialsTests {
    private func find(_ fields: String...) throws(BearerCredentials.Fault) -> ByteText? {
        try BearerCredentials.find(
            in: HeaderFields(fields.map { ("Authorization", ByteText($0)) }))
    }

    @Test(
        "The scheme is read in any case, and what follows it is the token",
        arguments: [
            ("Bearer a.b-c_~+/==", "a.b-c_~+/=="), ("bearer x", "x"), ("BEARER   x", "x"),
            ("Basic Zm9v", nil), ("DPoP x", nil), ("Bearerx", nil), ("", nil),
        ] as [(String, ByteText?)])
    func token(field: String, token: ByteText?) throws {
        #expect(try find(field) == token)
        #expect(try find() == nil)
    }

    @Test("One word follows the scheme", arguments: ["Bearer", "Bearer ", "Bearer a b"])
    func malformed(field: String) {
        #expect(throws: BearerCredentials.Fault.malformed) { try find(field) }
    }

    @Test("What is no token is at fault, and told apart", arguments: ["a,b", "a=b", "é"])
    func notAToken(word: String) {
        #expect(throws: BearerCredentials.Fault.notAToken(ByteText(word))) {
            try find("Bearer \(word)")
        }
    }

    @Test("Two fields are at fault, whatever they hold", arguments: ["Bearer y", "Basic Zm9v"])
    func repeated(other: String) {
        #expect(throws: BearerCredentials.Fault.repeated) { try find("Bearer x", other) }
        #expect(throws: BearerCredentials.Fault.repeated) { try find(other, "Bearer x") }
    }
}
