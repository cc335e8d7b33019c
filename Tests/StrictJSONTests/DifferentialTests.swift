import StrictJSON
import Testing

/// The same numbers on every run.
private struct Dice {
    var state: UInt64

    mutating func roll(_ sides: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state >> 33) % sides
    }

    mutating func pick<Element>(_ choices: [Element]) -> Element { choices[roll(choices.count)] }
}

/// Texts like those that peers send: long strings with many escapes, cut and spoiled now and then.
private struct Generator {
    var dice: Dice

    private static let pieces = [
        "a", "candidate:842163049 1 udp", "v=0", "\\r\\n", "\\n", "\\\"", "\\\\", "\\/", "\\t",
        "\\u0041", "\\ud83d\\ude00", "é", "漢字", "😀", "nr", " ",
        "a=ice-options:trickle, sixteen!",
    ]
    private static let faults = [
        "\"", "\\", "\\x", "\\u12", "\\ud800", "\\udc00", "\u{1}", "\n", "\u{7f}", "\\r\\",
    ]

    mutating func string() -> String {
        var text = ""
        for _ in 0..<dice.pick([0, 1, 3, 12, 60]) {
            text += dice.roll(400) == 0 ? dice.pick(Self.faults) : dice.pick(Self.pieces)
        }
        return "\"" + text + "\""
    }

    mutating func value(depth: Int) -> String {
        switch dice.roll(depth > 2 ? 6 : 8) {
        case 0: return dice.pick(["0", "-1.5e+7", "12", "01", "1.", "-"])
        case 1: return dice.pick(["true", "false", "null", "nul"])
        case 2...5: return string()
        case 6:
            let elements = (0..<dice.roll(4)).map { _ in value(depth: depth + 1) }
            return "[" + elements.joined(separator: dice.pick([",", " , "])) + "]"
        default: return object(depth: depth + 1)
        }
    }

    mutating func object(depth: Int) -> String {
        let members = (0..<dice.roll(5)).map { index in
            "\"m\(index)\\n\":" + value(depth: depth)
        }
        return "{" + members.joined(separator: ",") + "}"
    }

    /// One byte in some of them is another than was written, or the end is missing.
    mutating func document() -> [UInt8] {
        var bytes = Array(object(depth: 0).utf8)
        switch dice.roll(4) {
        case 0: bytes[dice.roll(bytes.count)] = UInt8(dice.roll(256))
        case 1 where dice.roll(4) == 0: bytes.removeLast(1 + dice.roll(bytes.count))
        default: break
        }
        return bytes
    }
}

@Suite struct DifferentialTests {
    @Test(
        "The scanner takes just what a reader without any tricks takes",
        arguments: 1...8 as ClosedRange<UInt64>)
    func agreesOnDocuments(seed: UInt64) {
        var generator = Generator(dice: Dice(state: seed &* 0x9E37_79B9_7F4A_7C15))
        var taken = 0
        for _ in 0..<2500 {
            let bytes = generator.document()
            var scanner = RawScanner(limits: JSONLimits(membersMax: 4096))
            let isObject = bytes.first == UInt8(ascii: "{")
            let isFine = isObject && PlainReader.accepts(bytes)
            let error = refusal { () throws(JSONError) in try scanner.scan(bytes.span) }
            let isTaken = error == nil
            taken += isTaken ? 1 : 0
            if error?.kind == .duplicateName { continue }
            #expect(isTaken == isFine, "\(String(decoding: bytes, as: UTF8.self))")
            for member in scanner.members where member.kind == .string {
                let content = PlainReader.content(bytes, from: member.value.lowerBound)
                #expect(content == member.value.lowerBound + 1..<member.value.upperBound - 1)
                let isEscaped = bytes[member.value].contains(UInt8(ascii: "\\"))
                #expect(member.valueIsEscaped == isEscaped)
            }
        }
        #expect(taken > 500 && taken < 2400, "the texts are too good or too bad: \(taken)")
    }

    @Test("Every byte behind or before an escape is judged alike wherever blocks begin and end")
    func agreesAtBlockEdges() {
        let escapes = ["\\n", "\\r\\n", "\\\"", "\\\\", "\\t", "\\u00e9", "é", ""]
        for escape in escapes {
            for place in 0..<72 {
                for byte in [0x00, 0x1F, 0x20, 0x22, 0x5C, 0x6E, 0x7F, 0x80, 0xA0, 0xDC, 0xFF] {
                    let before = Array(String(repeating: "x", count: place).utf8)
                    let after = Array(String(repeating: "y", count: 80).utf8)
                    for spoiled in [
                        before + [UInt8(byte)] + Array(escape.utf8) + after,
                        before + Array(escape.utf8) + [UInt8(byte)] + after,
                    ] {
                        let text = Array("{\"a\":\"".utf8) + spoiled + Array("\"}".utf8)
                        var scanner = RawScanner()
                        let isTaken = (try? scanner.scan(text.span)) != nil
                        let isFine = PlainReader.accepts(text)
                        #expect(isTaken == isFine, "\(byte) and \(escape) at \(place)")
                    }
                }
            }
        }
    }

    private func refusal(_ body: () throws(JSONError) -> Void) -> JSONError? {
        do throws(JSONError) {
            try body()
            return nil
        } catch {
            return error
        }
    }
}

@Suite struct ShortTextTests {
    @Test("A member of a known name is told by its number, escaped or not")
    func tellsKnownNames() throws {
        let texts = ["a", "target", "payload8", "connectionId", "0123456789abcdef", ""]
        for (index, text) in texts.enumerated() {
            let escaped = text.replacing("a", with: "\\u0061")
            for (written, known) in [(text, index + 1), (escaped, index + 1), (text + "!", 0)] {
                let bytes = Array("{\"\(written)\":{\"\(written)\":1}}".utf8)
                var scanner = RawScanner(names: ShortTextTable(texts.map { ShortText($0) }))
                try scanner.scan(bytes.span)
                #expect(scanner.members.map { Int($0.known) } == [known, known], "\(written)")
            }
        }
    }

    @Test("A string is held against a short text byte for byte")
    func comparesStrings() throws {
        let text = "send-payload"
        for (value, isHeld) in [
            (text, true), ("send-payloaD", false), ("Send-payload", false),
            ("send-payloads", false), ("send\\u002dpayload", true), ("send-\\u0050ayload", false),
            ("", false),
        ] {
            let bytes = Array("{\"action\":\"\(value)\"}".utf8)
            var scanner = RawScanner()
            try scanner.scan(bytes.span)
            let holds = scanner.holds(ShortText(text), at: 0, in: bytes.span)
            #expect(holds == isHeld, "\(value)")
        }
    }

    @Test("A text is found in a table wherever it stands among the bytes")
    func findsInTables() {
        let texts = ["pong", "error", "someone_left", "someone_joined", "first_to_join", ""]
        let table = ShortTextTable(texts.map { ShortText($0) })
        for (index, text) in texts.enumerated() {
            for padding in 0...20 {
                let before = Array(String(repeating: "x", count: padding).utf8)
                let bytes = before + Array(text.utf8) + before
                let range = padding..<padding + text.utf8.count
                #expect(Int(table.number(of: bytes.span, range)) == index + 1)
                guard padding > 0, !range.isEmpty else { continue }
                #expect(table.number(of: bytes.span, padding..<range.upperBound + 1) == 0)
                #expect(table.number(of: bytes.span, padding..<range.upperBound - 1) == 0)
            }
        }
        #expect(ShortTextTable([]).number(of: texts[0].utf8.span, 0..<4) == 0)
    }
}
