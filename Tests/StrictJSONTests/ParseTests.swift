import Bytes
import StrictJSON
import Testing

private func parse(
    _ text: String, limits: JSONLimits = JSONLimits()
) throws(JSONError) -> JSONValue {
    try JSONValue.parse(Array(text.utf8), limits: limits)
}

private func refusal(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) -> JSONError.Kind? {
    do throws(JSONError) {
        _ = try JSONValue.parse(bytes, limits: limits)
        return nil
    } catch {
        return error.kind
    }
}

@Suite struct ParseTests {
    @Test("Every kind of value is read, in order (RFC 8259 §3)")
    func readsValues() throws {
        let text = #" {"z":[1,-2.5e3,true,false,null],"a":{"é":"\u00e9\n\ud83d\ude00"}} "#
        let value = try parse(text)
        #expect(value.object?.members.map(\.name) == ["z", "a"])
        let expected: JSONValue = [
            "z": [1, try parse("-2.5e3"), true, false, .null],
            "a": ["é": "é\n😀"],
        ]
        #expect(value.object?["a"] == expected.object?["a"])
        #expect(value.object?["z"]?.array?[1].double == -2500)
    }

    @Test(
        "A text that RFC 8259 forbids is refused with the reason",
        arguments: [
            ("", JSONError.Kind.unexpectedEnd), ("{", .unexpectedEnd), ("[1,", .unexpectedEnd),
            ("{} x", .trailingBytes), ("1 2", .trailingBytes), ("[1,]", .unexpectedByte),
            ("{\"a\":1,}", .unexpectedByte), ("{a:1}", .unexpectedByte), ("'a'", .unexpectedByte),
            ("01", .invalidNumber), ("-", .invalidNumber), ("1.", .invalidNumber),
            (".5", .unexpectedByte), ("1e", .invalidNumber), ("+1", .unexpectedByte),
            ("NaN", .unexpectedByte), ("tru", .unexpectedEnd), ("trux", .unexpectedByte),
            ("\"\\x\"", .invalidEscape), ("\"\\u12g4\"", .invalidEscape),
            ("\"\\ud800\"", .loneSurrogate), ("\"\\udc00\"", .loneSurrogate),
            ("\"\\ud800\\u0041\"", .loneSurrogate), ("\"\n\"", .controlCharacter),
            ("\"abc", .unexpectedEnd), ("{\"a\":1,\"a\":2}", .duplicateName),
            ("{\"a\":1,\"\\u0061\":2}", .duplicateName),
            ("[{\"b\":{\"c\":1,\"c\":1}}]", .duplicateName),
            ("\u{FEFF}{}", .unexpectedByte),
        ])
    func refuses(text: String, kind: JSONError.Kind) {
        #expect(refusal(Array(text.utf8)) == kind)
    }

    @Test(
        "Bytes that are not UTF-8 are refused (RFC 8259 §8.1)",
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0xC3],
        ] as [[UInt8]])
    func refusesInvalidUTF8(bytes: [UInt8]) {
        #expect(refusal([0x22] + bytes + [0x22]) == .invalidUTF8)
    }

    @Test("Limits hold at their value and not one beyond")
    func limits() {
        let limits = JSONLimits(bytesMax: 20, depthMax: 3, membersMax: 2)
        #expect(refusal(Array("[[[1]]]".utf8), limits: limits) == nil)
        #expect(refusal(Array("[[[[1]]]]".utf8), limits: limits) == .tooDeep)
        #expect(refusal(Array("[1,2]".utf8), limits: limits) == nil)
        #expect(refusal(Array("[1,2,3]".utf8), limits: limits) == .tooManyMembers)
        #expect(refusal(Array("\"this is too long to read\"".utf8), limits: limits) == .tooLong)
        let nested = String(repeating: "[", count: 100_000)
        #expect(refusal(Array(nested.utf8)) == .tooDeep)
    }

    @Test(
        "A number is an integer only as written (RFC 7519 §2, NumericDate)",
        arguments: [
            ("1", Int64(1)), ("-0", 0), ("9223372036854775807", .max), ("9223372036854775808", nil),
            ("1.0", nil), ("1e3", nil),
        ])
    func integers(text: String, expected: Int64?) throws {
        #expect(try parse(text).int64 == expected)
    }

    @Test("A number beyond a double's range has no value")
    func hugeNumber() throws {
        #expect(try parse("1e400").double == nil)
    }

    @Test("What is written reads back as the same value")
    func roundTrip() throws {
        let value: JSONValue = [
            "quote\"": "back\\slash", "control": "\u{0}\u{1f}\n", "emoji": "😀",
            "list": [1, [], [:]], "yes": true, "nothing": .null,
        ]
        #expect(try JSONValue.parse(value.serialized()) == value)
        let text = String(decoding: value.serialized(), as: UTF8.self)
        #expect(text.contains(#"\u0000\u001f\u000a"#))
    }
}
