import Bytes
import HTTPMessages
import Testing

@Suite struct BasicCredentialsTests {
    @Test(
        "Base64 comes off first, then each part's form encoding (RFC 6749 §2.3.1)",
        arguments: [
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),
            ("basic YTpi", "a", "b"), ("BASIC   YTpi", "a", "b"),
            ("Basic YTpiOmM=", "a", "b:c"), ("Basic Og==", "", ""),
            ("Basic YSUzQWI6YyUyNStk", "a:b", "c% d"), ("Basic w6k6w6k=", "é", "é"),
        ])
    func credentials(field: String, id: String, secret: String) throws {
        let parsed = try BasicCredentials.parse(authorization: ByteText(field))
        #expect(parsed.id == ByteText(id) && parsed.secret == ByteText(secret))
    }

    @Test(
        "Anything else is refused with its reason",
        arguments: [
            ("Bearer YTpi", BasicCredentialsError.notBasic), ("", .notBasic),
            ("BasicYTpi", .notBasic), (" Basic YTpi", .notBasic), ("Basic", .invalidBase64),
            ("Basic ", .invalidBase64), ("Basic YTpi!", .invalidBase64),
            ("Basic YTp i", .invalidBase64), ("Basic YTpiOmM", .invalidBase64),
            ("Basic YTpiOmN=", .invalidBase64), ("Basic YWI=", .missingColon),
            ("Basic YTolenow", .invalidForm), ("Basic /zpi", .invalidForm),
        ])
    func refusals(field: String, error: BasicCredentialsError) {
        #expect(throws: error) { try BasicCredentials.parse(authorization: ByteText(field)) }
    }

    @Test("Strict base64 takes what an encoder makes and nothing else (RFC 4648 §3.5, §10)")
    func base64() {
        let vectors = [
            "": "", "Zg==": "f", "Zm8=": "fo", "Zm9v": "foo", "Zm9vYg==": "foob",
            "Zm9vYmE=": "fooba", "Zm9vYmFy": "foobar",
        ]
        for (text, plain) in vectors {
            #expect(Base64.decode(text.utf8.span) == Array(plain.utf8))
            #expect(Base64.encode(Array(plain.utf8)) == text)
        }
        #expect(Base64.decode("+/+/".utf8.span) == [0xFB, 0xFF, 0xBF])
        #expect(Base64.encode([0xFB, 0xFF, 0xBF]) == "+/+/")
        for bad in [
            "Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "Z===", "=Zg=", "Zg==Zg==", "Z-_9", "Zm\n9",
        ] {
            #expect(Base64.decode(bad.utf8.span) == nil)
        }
    }
}
