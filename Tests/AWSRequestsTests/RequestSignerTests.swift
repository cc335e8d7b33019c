import AWSRequests
import Bytes
import HTTPMessages
import Testing

@Suite struct AWSTargetTests {
    @Test("A segment is encoded once on the wire, slashes within it too")
    func text() throws {
        let target = try #require(
            AWSTarget(
                segments: ["prod", "@connections", "a/b+c="],
                query: [(name: "b", value: "1 2"), (name: "a", value: "é")]))
        #expect(target.text == "/prod/%40connections/a%2Fb%2Bc%3D?a=%C3%A9&b=1%202")
        #expect(AWSTarget(segments: []) == .root)
        #expect(AWSTarget.root.text == "/")
    }

    @Test("What would be taken out of a path on the way is no segment", arguments: ["", ".", ".."])
    func refused(_ segment: String) {
        #expect(AWSTarget(segments: ["prod", ByteText(segment), "x"]) == nil)
    }

    @Test("Dots beside others are a segment", arguments: ["...", ".a", "..%2F", "%2E%2E"])
    func dots(_ segment: String) { #expect(AWSTarget(segments: [ByteText(segment)]) != nil) }
}

@Suite struct RequestSignerTests {
    /// Without cryptography: what matters here are the fields.
    private static let signer = RequestSigner(
        region: "eu-central-1", service: "sqs", sha256: { _ in [0xAB] },
        hmacSHA256: { _, _ in [0xCD] })

    private static let request = AWSRequest(
        method: "POST", host: "sqs.eu-central-1.amazonaws.com",
        headers: HeaderFields([("Content-Type", "application/json"), ("x-amz-date", "old")]),
        body: [1])

    @Test("The request's own fields come first; those that signing writes stand there once")
    func fields() {
        var again = Self.request
        let credentials = AWSCredentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "no", sessionToken: "lent")
        let once = Self.signer.sign(again, with: credentials, atSecondsSinceEpoch: 86_399)
        let names = ["Content-Type", "X-Amz-Date", "X-Amz-Security-Token", "Authorization"]
        #expect(once.fields.map(\.name.description) == names)
        #expect(once["X-Amz-Date"] == "19700101T235959Z")
        #expect(
            once["Authorization"]
                == """
                AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/19700101/eu-central-1/sqs/aws4_request, \
                SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=cd
                """)
        again.headers = once
        #expect(Self.signer.sign(again, with: credentials, atSecondsSinceEpoch: 86_399) == once)
        let plain = AWSCredentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "no")
        let without = Self.signer.sign(again, with: plain, atSecondsSinceEpoch: 0)
        #expect(!without.contains("X-Amz-Security-Token"))
    }

    @Test("A moment outside of the calendar is taken for the nearest within")
    func times() {
        let credentials = AWSCredentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "no")
        func date(_ seconds: Int64) -> ByteText? {
            Self.signer.sign(Self.request, with: credentials, atSecondsSinceEpoch: seconds)[
                "X-Amz-Date"]
        }
        #expect(date(.min) == "19700101T000000Z")
        #expect(date(.max) == "99991231T235959Z")
    }

    @Test("Credentials show nothing but their id")
    func shown() {
        let credentials = AWSCredentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "hidden", sessionToken: "lent")
        var dumped = ""
        dump([credentials], to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped] {
            #expect(text.contains("AKIDEXAMPLE"))
            #expect(!text.contains("hidden") && !text.contains("lent"))
        }
    }
}
