import Testing
import Tokens

@Suite("JWS header")
struct JOSEHeaderTests {
    private func fault(_ json: String) -> TokenFault? {
        do throws(TokenFault) {
            _ = try JOSEHeader(reading: Array(json.utf8).span)
            return nil
        } catch {
            return error
        }
    }

    @Test("Algorithm, key and kind are read")
    func members() throws {
        let json = Array(#"{"typ":"at+jwt","alg":"ES256","kid":"k-1","x":{"y":[1]}}"#.utf8)
        let header = try JOSEHeader(reading: json.span)
        #expect(header.algorithm == .es256)
        #expect(header.keyID == "k-1")
        #expect(header.kind == .access)
    }

    @Test(
        "An algorithm that is not ours, exactly as registered, is refused (RFC 8725 §3.1, §3.2)",
        arguments: [
            "none", "None", "NONE", "nOnE", "", "es256", "ES256 ", "ES384", "PS256", "HS384",
            "RS512", "ES256K", "Ed25519", "eddsa", "dir", "RSA1_5", "PBES2-HS256+A128KW",
        ])
    func algorithms(_ name: String) {
        #expect(fault(#"{"alg":"\#(name)","kid":"k"}"#) == .unknownAlgorithm)
    }

    @Test(
        "Any crit refuses, whatever it names (RFC 7515 §4.1.11, CVE-2025-59420, CVE-2026-32597)",
        arguments: [
            #"["exp"]"#, #"["b64"]"#, #"["alg"]"#, "[]", #""b64""#, "null", "{}", #"["x","x"]"#,
        ])
    func critical(_ value: String) {
        #expect(fault(#"{"alg":"ES256","kid":"k","crit":\#(value),"b64":true}"#) == .criticalHeader)
        #expect(fault(#"{"alg":"ES256","kid":"k","cri\u0074":\#(value)}"#) == .criticalHeader)
    }

    @Test(
        "b64 and zip refuse, whatever they say (RFC 7797, CVE-2024-28180)",
        arguments: [
            (#""b64":false"#, HeaderMember.unencodedPayload), (#""b64":true"#, .unencodedPayload),
            (#""zip":"DEF""#, .compression), (#""zip":null"#, .compression),
        ])
    func unsupported(_ member: String, _ name: HeaderMember) {
        #expect(fault(#"{"alg":"ES256","kid":"k",\#(member)}"#) == .badHeader(member: name))
    }

    @Test(
        "A kid is 1 to 128 bytes of a fixed alphabet (RFC 8725 §3.10)",
        arguments: [
            #""""#, "1", "null", #"["k"]"#, #""a\u0000""#, #""a b""#, #""k'--""#, #""*)(uid=*""#,
            #""..\\..\\x""#, #""a\nb""#, #""é""#, #""$(id)""#, #""k\"""#, #""%2e""#, #""a;b""#,
            "\"" + String(repeating: "k", count: 129) + "\"",
        ])
    func badKeyID(_ value: String) {
        #expect(fault(#"{"alg":"ES256","kid":\#(value)}"#) == .badHeader(member: .keyID))
    }

    @Test(
        "A kid of 128 bytes, an address, a UUID and base64 are taken",
        arguments: [
            String(repeating: "k", count: 128), "bilbo.baggins@hobbiton.example",
            "018c0ae5-4d9b-471b-bfd6-eef314bc7037", "aB+/=", "urn:x~y_z",
        ])
    func goodKeyID(_ keyID: String) throws {
        let json = Array(#"{"alg":"RS256","kid":"\#(keyID)"}"#.utf8)
        #expect(try JOSEHeader(reading: json.span).keyID == keyID)
    }

    @Test(
        "alg is required and a string; kid and typ are strings where they are there",
        arguments: [
            (#"{"kid":"k"}"#, HeaderMember.algorithm), (#"{"alg":null,"kid":"k"}"#, .algorithm),
            (#"{"alg":["ES256"],"kid":"k"}"#, .algorithm), (#"{"alg":"ES256","kid":7}"#, .keyID),
            (#"{"alg":"ES256","kid":"k","typ":1}"#, .type),
            (#"{"alg":"ES256","kid":"k","typ":null}"#, .type),
        ])
    func required(_ json: String, _ member: HeaderMember) {
        #expect(fault(json) == .badHeader(member: member))
    }

    @Test(
        "Not strict JSON, or not an object, is refused (RFC 7515 §5.2, RFC 8725 §3.7)",
        arguments: [
            "", "[]", "null", #""x""#, "1", #"{"alg":"ES256","kid":"k"}x"#, "{}{}",
            "\u{FEFF}{\"alg\":\"ES256\",\"kid\":\"k\"}", #"{"alg":"ES256","kid":"k",}"#,
            #"{'alg':'ES256'}"#, #"{"alg":"ES256","alg":"ES256","kid":"k"}"#,
            #"{"alg":"ES256","\u0061lg":"none","kid":"k"}"#, #"{"alg":"ES256","kid":"\ud800"}"#,
            #"{"alg":"ES256","kid":"k","kid":"l"}"#, "{\"alg\":\"ES256\",\"kid\":\"a\u{1}\"}",
            #"{"alg":"ES256","kid":"k","n":01}"#, #"{"alg":"ES256","kid":"k","n":NaN}"#,
            #"{"alg":"ES256","kid":"k","jwk":{"kty":"EC","kty":"oct"}}"#,
            #"{"alg":"ES256","kid":"k","x":"#
                + String(repeating: "[", count: 1000) + String(repeating: "]", count: 1000) + "}",
        ])
    func strictness(_ json: String) {
        #expect(fault(json) == .badJSON(.header))
    }

    @Test(
        "Bytes that are not UTF-8 are refused (RFC 8725 §3.7)",
        arguments: [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xC3], [0xF5, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func notUTF8(_ bytes: [UInt8]) {
        let json = Array(#"{"alg":"ES256","kid":"k","x":""#.utf8) + bytes + Array("\"}".utf8)
        #expect(throws: TokenFault.badJSON(.header)) {
            _ = try JOSEHeader(reading: json.span)
        }
    }

    @Test(
        "The header of a legacy token says HS256 and, if anything, typ JWT (RFC 8725 §3.11)",
        arguments: [
            (#"{"alg":"HS256"}"#, true), (#"{"typ":"JWT","alg":"HS256"}"#, true),
            (#"{"typ":"jwt","alg":"HS256","kid":"k"}"#, true),
            (#"{"typ":"JWT","alg":"ES256","kid":"k"}"#, false),
            (#"{"alg":"RS256","kid":"k"}"#, false), (#"{"typ":"at+jwt","alg":"HS256"}"#, false),
            (#"{"typ":"usher-session+jwt","alg":"HS256"}"#, false),
            (#"{"typ":"","alg":"HS256"}"#, false), (#"{"typ":"JWT ","alg":"HS256"}"#, false),
            (#"{"typ":"application/at+jwt","alg":"HS256"}"#, false),
        ])
    func legacy(_ json: String, _ isLegacy: Bool) throws {
        let header = try JOSEHeader(reading: Array(json.utf8).span)
        #expect(header.isLegacy == isLegacy)
        #expect(!header.isLegacy || header.kind == nil)
    }

    @Test("Keys and addresses in the header are passed over (RFC 8725 §3.10, CVE-2018-0114)")
    func embeddedKeys() throws {
        let json = Array(
            (#"{"alg":"ES256","kid":"k","jwk":{"kty":"oct","k":"AA"},"jku":"http://127.0.0.1/","#
                + #""x5u":"file:///etc","x5c":["AA"],"x5t":"AA"}"#).utf8)
        #expect(try JOSEHeader(reading: json.span).keyID == "k")
    }
}
