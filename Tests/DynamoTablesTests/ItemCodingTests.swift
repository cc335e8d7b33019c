import Bytes
import StrictJSON
import Tables
import TestSupport
import Testing

@testable import DynamoTables

@Suite struct ItemCodingTests {
    private func text(_ value: ItemValue) -> String {
        var bytes: [UInt8] = []
        value.write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func value(_ text: String) -> ItemValue? {
        guard let json = try? JSONValue.parse(Array(text.utf8)) else { return nil }
        return try? ItemValue(json)
    }

    private static let pairs: [(ItemValue, String)] = [
        (.text("a\"\\\n\u{0}é\u{1F600}"), "{\"S\":\"a\\\"\\\\\\u000a\\u0000é\u{1F600}\"}"),
        (.text(""), #"{"S":""}"#),
        (.number(0), #"{"N":"0"}"#),
        (.number(.max), #"{"N":"9223372036854775807"}"#),
        (.number(.min), #"{"N":"-9223372036854775808"}"#),
        (.bytes([]), #"{"B":""}"#),
        (.bytes([0xFB, 0xFF, 0]), #"{"B":"+/8A"}"#),
        (.flag(true), #"{"BOOL":true}"#),
        (.flag(false), #"{"BOOL":false}"#),
        (.null, #"{"NULL":true}"#),
        (.list([]), #"{"L":[]}"#),
        (.list([.null, .number(-1)]), #"{"L":[{"NULL":true},{"N":"-1"}]}"#),
        (.map([:]), #"{"M":{}}"#),
        (
            .map(["b": .list([.map(["x": .null])]), "a\"": .text("1")]),
            #"{"M":{"a\"":{"S":"1"},"b":{"L":[{"M":{"x":{"NULL":true}}}]}}}"#
        ),
    ]

    @Test("Each type is written as DynamoDB has it, and read back")
    func types() {
        for (value, text) in Self.pairs {
            #expect(self.text(value) == text)
            #expect(self.value(text) == value)
        }
    }

    @Test(
        "What is no attribute value is not read",
        arguments: [
            "{}", "[]", "null", #""a""#, #"{"S":"a","N":"1"}"#, #"{"S":1}"#, #"{"N":1}"#,
            #"{"B":"AB="}"#, #"{"B":"AB=="} "#, #"{"B":"-_8A"}"#, #"{"BOOL":"true"}"#,
            #"{"BOOL":1}"#, #"{"NULL":false}"#, #"{"NULL":null}"#, #"{"L":{}}"#, #"{"M":[]}"#,
            #"{"L":[{"S":"a"},{}]}"#, #"{"M":{"a":"b"}}"#, #"{"s":"a"}"#, #"{"SS":["a"]}"#,
            #"{"NS":["1"]}"#, #"{"BS":["AA=="]}"#, #"{"X":"a"}"#,
        ])
    func refused(_ text: String) { #expect(value(text) == nil) }

    @Test(
        "A number is whole, of 64 bits, and written in one way",
        arguments: [
            "", " 1", "1 ", "+1", "-", "-0", "00", "01", "1.0", "1.5", "1e3", "1E3", "0x1", "NaN",
            "9223372036854775808", "-9223372036854775809", "१", "1_0",
        ])
    func numbers(_ digits: String) { #expect(value(#"{"N":"\#(digits)"}"#) == nil) }

    @Test("Names that look alike stay two")
    func names() throws {
        let item: Item = ["\u{E9}": .number(1), "e\u{301}": .number(2)]
        #expect(value(text(.map(item))) == .map(item))
    }

    @Test("Whatever is written is read back as it was")
    func roundTrips() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<500 {
            let value = randomValue(&random, depth: 0)
            #expect(self.value(text(value)) == value)
        }
    }

    private func randomValue(_ random: inout SeededGenerator, depth: Int) -> ItemValue {
        func bytes() -> [UInt8] {
            (0..<Int.random(in: 0..<9, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
        }
        func word() -> ByteText { ByteText(String(decoding: bytes(), as: UTF8.self)) }
        switch Int.random(in: 0..<(depth < 6 ? 7 : 5), using: &random) {
        case 0: return .text(word())
        case 1: return .number(Int64(truncatingIfNeeded: random.next()))
        case 2: return .bytes(bytes())
        case 3: return .flag(random.next() & 1 == 0)
        case 4: return .null
        case 5:
            return .list(
                (0..<Int.random(in: 0..<4, using: &random)).map { _ in
                    randomValue(&random, depth: depth + 1)
                })
        default:
            var item: Item = [:]
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                item[word()] = randomValue(&random, depth: depth + 1)
            }
            return .map(item)
        }
    }
}
