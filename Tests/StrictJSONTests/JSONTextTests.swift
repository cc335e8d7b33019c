import StrictJSON
import Testing

@Suite struct JSONTextTests {
    @Test("What must be escaped is, at every place, and nothing else (RFC 8259 §7)")
    func quoting() {
        let characters = (0..<0x80).compactMap { Unicode.Scalar($0) } + ["é", "\u{2028}", "😀"]
        for length in 1...18 {
            for place in 0..<length {
                for character in characters {
                    var scalars = String.UnicodeScalarView()
                    for at in 0..<length { scalars.append(at == place ? character : "x") }
                    var json: [UInt8] = [0x5B]
                    JSONText.appendQuoted(String(scalars), to: &json)
                    #expect(json == Array("[\"\(scalars.map(escaped).joined())\"".utf8))
                }
            }
        }
    }

    private func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"", "\\": "\\\(scalar)"
        case "\u{0}"..<" ":
            "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        default: String(scalar)
        }
    }
}
