import Bytes
import StrictJSON
import Testing

private func names(_ text: String) throws -> [String] {
    let bytes = Array(text.utf8)
    var scanner = RawScanner()
    try scanner.scan(bytes.span)
    return scanner.members.map { String(decoding: bytes[$0.name], as: UTF8.self) }
}

private func refusal(_ text: String) -> JSONError.Kind? {
    var scanner = RawScanner()
    let bytes = Array(text.utf8)
    do throws(JSONError) {
        try scanner.scan(bytes.span)
        return nil
    } catch {
        #expect(scanner.members.isEmpty)
        return error.kind
    }
}

@Suite struct RawScannerTests {
    @Test("Members of two levels are told with their exact bytes")
    func recordsTwoLevels() throws {
        let payload = #"{"type":"offer","deep":{"x":[1,{"y":2}]}}"#
        let text = #"{ "action" : "send", "payload":"# + payload + #", "n":-1.5 }"#
        let bytes = Array(text.utf8)
        var scanner = RawScanner()
        try scanner.scan(bytes.span)
        let seen = scanner.members.map {
            "\($0.parent) \(String(decoding: bytes[$0.name], as: UTF8.self)) "
                + String(decoding: bytes[$0.value], as: UTF8.self)
        }
        #expect(
            seen == [
                #"-1 action "send""#, #"-1 payload {"type":"offer","deep":{"x":[1,{"y":2}]}}"#,
                #"1 type "offer""#, #"1 deep {"x":[1,{"y":2}]}"#, "-1 n -1.5",
            ])
        #expect(scanner.members.map(\.kind) == [.string, .object, .string, .object, .number])
    }

    @Test(
        "A known name may stand once in each object, however it is written",
        arguments: [
            (#"{"a":1,"b":{"a":1,"b":2},"c":{"a":3}}"#, true),
            (#"{"a":1,"x":2,"a":3}"#, false), (#"{"x":1,"a":2,"x":3}"#, false),
            (#"{"a":1,"\u0061":2}"#, false), (#"{"\u0061":1,"a":2}"#, false),
            (#"{"b":{"a":1,"x":2,"\u0061":3}}"#, false),
            (#"{"b":{"c":1},"c":{"b":1},"b":1}"#, false),
            (#"{"b":{"x":1},"c":{"x":1,"\u0078":2}}"#, false),
            (#"{"\u0078":1,"b":{"x":1,"\u0061":1},"c":{"x":1,"a":1}}"#, true),
            (#"{"n65":1,"a":1,"n129":1,"n193":1,"n2":1}"#, true), (#"{"n193":1,"n193":1}"#, false),
        ])
    func knownNames(text: String, isGood: Bool) {
        let names = ["a", "b", "c"] + (4...255).map { "n\($0)" }
        var scanner = RawScanner(names: ShortTextTable(names.map { ShortText($0) }))
        for _ in 0..<2 {  // Nothing of one text may be left for the next.
            #expect(((try? scanner.scan(Array(text.utf8).span)) != nil) == isGood)
        }
    }

    @Test("A name is compared after unescaping")
    func unescapesNames() throws {
        let bytes = Array(#"{"connection\u0049d":"\u0041\n"}"#.utf8)
        var scanner = RawScanner()
        try scanner.scan(bytes.span)
        let member = scanner.members[0]
        let name = JSONText.unquote(bytes.span, member.name)
        let value = scanner.string(of: member, in: bytes.span)
        #expect(name == "connectionId" && value == "A\n")
        #expect(member.nameIsEscaped && member.valueIsEscaped)
    }

    @Test(
        "A text that is no strict JSON object is refused",
        arguments: [
            ("[]", JSONError.Kind.notAnObject), ("\"a\"", .notAnObject), ("", .unexpectedEnd),
            ("{}x", .trailingBytes), (#"{"a":1,"\u0061":2}"#, .duplicateName),
            (#"{"p":{"type":"a","type":"b"}}"#, .duplicateName),
            (#"{"p":{"q":[}}"#, .unexpectedByte),
            (#"{"p":{"q":tru}}"#, .unexpectedByte), (#"{"p":{"q":"\ud800"}}"#, .loneSurrogate),
            ("{\"p\":" + String(repeating: "[", count: 1000), .tooDeep),
            ("{" + (0..<300).map { "\"\($0)\":1" }.joined(separator: ",") + "}", .tooManyMembers),
        ])
    func refuses(text: String, kind: JSONError.Kind) {
        #expect(refusal(text) == kind)
    }

    @Test("One name may stand in different objects")
    func sameNameElsewhere() throws {
        #expect(try names(#"{"a":{"a":{"a":1,"a":2}},"b":{"a":1}}"#) == ["a", "a", "b", "a"])
    }

    @Test(
        "Names that only Unicode calls equal are two names (RFC 8259 §8.3)",
        arguments: ["{\"\u{e9}\":1,\"e\u{301}\":2}", #"{"\u00e9":1,"e\u0301":2}"#])
    func canonicalEquivalents(text: String) throws {
        #expect(try names(text).count == 2)
        let object = try #require(try JSONValue.parse(Array(text.utf8)).object)
        #expect(object["\u{e9}"]?.int64 == 1)
        #expect(object["e\u{301}"]?.int64 == 2)
    }

    @Test("A byte that ends or breaks a string is seen wherever it stands")
    func seesEveryByte() {
        for byte in UInt8.min...UInt8.max {
            for position in 0..<20 {
                var content = [UInt8](repeating: 0x61, count: 20)
                content[position] = byte
                let text = Array("{\"a\":\"".utf8) + content + Array("\"}".utf8)
                var scanner = RawScanner()
                let isFine = (try? scanner.scan(text.span)) != nil
                // A backslash before an `a` is no escape; a quote ends the string too early.
                let mayStand = byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5C
                #expect(isFine == mayStand, "byte \(byte) at \(position)")
            }
        }
    }

    @Test("The scanner and the tree parser agree on every cut of a text")
    func agreesWithParser() {
        let text = Array(#"{"a":{"é":"\u00e9\ud83d\ude00"},"b":[1.5e-3,true,null,{"c":""}]}"#.utf8)
        for end in 0...text.count {
            let cut = Array(text[..<end])
            var scanner = RawScanner()
            let scanned = (try? scanner.scan(cut.span)) != nil
            let parsed = (try? JSONValue.parse(cut)) != nil
            #expect(scanned == parsed, "cut at \(end)")
        }
    }
}
