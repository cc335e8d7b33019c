import Bytes
import Testing

@testable import Tokens

@Suite struct KeySetHeadTests {
    @Test(
        "JSON of status 200 is read, whatever case and parameters its type has",
        arguments: [
            "application/jwk-set+json", "application/json", "Application/JSON ; charset=utf-8",
            "\tapplication/json;x=y;z",
        ])
    func good(_ type: String) {
        #expect(KeySetHead.fault(status: 200, contentType: ByteText(type), length: nil) == nil)
    }

    @Test("A redirect, another status, another type and too large a body are told apart")
    func faults() {
        let json: ByteText = "application/json"
        #expect(
            KeySetHead.fault(status: 302, contentType: json, length: 1) == .redirected(status: 302))
        #expect(KeySetHead.fault(status: 404, contentType: json, length: 1) == .status(404))
        #expect(KeySetHead.fault(status: 200, contentType: json, length: 65_536) == nil)
        #expect(KeySetHead.fault(status: 200, contentType: json, length: 65_537) == .tooLarge)
        #expect(KeySetHead.fault(status: 200, contentType: "", length: 1) == .mediaType(""))
        let long = ByteText(String(repeating: "é", count: 50) + String(repeating: "a", count: 99))
        #expect(
            KeySetHead.fault(status: 200, contentType: long, length: 1)
                == .mediaType(String(repeating: "a", count: 80)))
    }

    @Test("An age that is none counts as nothing")
    func age() {
        #expect(KeySetHead.ageSeconds("17") == 17)
        for text: ByteText? in [nil, "", "-5", "soon", "99999999999999999999"] {
            #expect(KeySetHead.ageSeconds(text) == 0)
        }
    }
}
