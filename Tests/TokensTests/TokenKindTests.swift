import Bytes
import Testing
import Tokens

@Suite("Kinds of tokens (RFC 8725 §3.11, §3.12)")
struct TokenKindTests {
    @Test(
        "The types of access tokens are compared without regard to case (RFC 9068 §4)",
        arguments: [
            "at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "Application/AT+JWT",
        ])
    func access(_ type: String) {
        #expect(TokenKind(typeHeader: ByteText(type)) == .access)
    }

    @Test("Session tokens have a type of their own")
    func session() {
        #expect(TokenKind(typeHeader: "usher-session+jwt") == .session)
        #expect(TokenKind(typeHeader: ByteText(TokenKind.session.typeHeader)) == .session)
        #expect(TokenKind(typeHeader: ByteText(TokenKind.access.typeHeader)) == .access)
        #expect(TokenKind(typeHeader: ByteText(TokenKind.legacy.typeHeader)) == nil)
    }

    @Test(
        "Every other type, and none, is no kind of ours",
        arguments: [
            nil, "", "JWT", "jwt", "at+jwt ", "application/jwt", "dpop+jwt", "logout+jwt", "jose",
            "client-authentication+jwt", "xat+jwt", "\u{212A}at+jwt",
            "application/application/at+jwt",
        ])
    func others(_ type: String?) {
        #expect(TokenKind(typeHeader: type.map { ByteText($0) }) == nil)
    }
}
