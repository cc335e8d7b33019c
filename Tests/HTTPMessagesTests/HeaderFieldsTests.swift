import Bytes
import HTTPMessages
import Testing

@Suite struct HeaderFieldsTests {
    private let fields = HeaderFields([("Host", "a"), ("X-A", "1"), ("x-a", "2"), ("Z", "")])

    @Test("Names match without regard to ASCII case (RFC 9110 §5.1), and only to that")
    func lookup() {
        #expect(fields["HOST"] == "a")
        #expect(fields["X-a"] == "1")
        #expect(fields.values("X-A") == ["1", "2"])
        #expect(fields["z"] == "" && fields.contains("z"))
        #expect(fields["X_A"] == nil && fields["X"] == nil && fields[""] == nil)
        #expect(HeaderFields([("\u{212A}", "kelvin")])["k"] == nil)
    }

    @Test("Setting leaves one field, at the place of the first; adding keeps all")
    func changes() {
        var changed = fields
        changed.set("X-a", "9")
        #expect(changed == HeaderFields([("Host", "a"), ("X-a", "9"), ("Z", "")]))
        changed.set("New", "n")
        #expect(changed.fields.last == .init(name: "New", value: "n"))
        changed.add("host", "b")
        #expect(changed.values("Host") == ["a", "b"])
        changed.remove("HOST")
        #expect(changed["Host"] == nil)
    }

    @Test("Tokens and field values are what RFC 9110 §5 says")
    func grammar() {
        #expect(FieldGrammar.isToken("!#$%&'*+-.^_`|~09AZaz"))
        for bad: ByteText in ["", " ", "a b", "a:", "é", "a\u{7F}", "\"", "(", "@", "{"] {
            #expect(!FieldGrammar.isToken(bad))
        }
        #expect(FieldGrammar.isFieldValue("a\tb é"))
        for bad: ByteText in ["a\r", "\n", "\0", "\u{7F}"] {
            #expect(!FieldGrammar.isFieldValue(bad))
        }
    }

    @Test("A JSON response bears its type and what the caller adds")
    func responses() {
        let json = HTTPResponse.json(201, [0x7B, 0x7D], headers: [("X", "y")])
        #expect(json.status == 201 && json.body == [0x7B, 0x7D])
        #expect(json.headers == HeaderFields([("Content-Type", "application/json"), ("X", "y")]))
    }

    @Test("A request's client address is its peer's unless said otherwise")
    func requestDefaults() {
        #expect(HTTPRequest(peerAddress: "::1").clientAddress == "::1")
        #expect(HTTPRequest(peerAddress: "::1", clientAddress: "a").clientAddress == "a")
    }
}
