import Bytes
import HTTPMessages
import Testing

@Suite struct FormFieldsTests {
    @Test(
        "Forms decode as RFC 6749 Appendix B says",
        arguments: [
            ("", []), ("a=1", ["a|1"]), ("a=1&a=2&b", ["a|1", "a|2", "b|"]),
            ("&&a=1&", ["a|1"]), ("a=b=c", ["a|b=c"]), ("=x", ["|x"]),
            ("a+b=c+d%20%2B", ["a b|c d +"]), ("%61=%C3%a9", ["a|é"]), ("a=%00", ["a|\0"]),
            ("+%25%26%2B%C2%A3%E2%82%AC=x", [" %&+£€|x"]),
        ])
    func decoding(form: String, expected: [String]) throws {
        #expect(try FormFields.parse(ByteText(form)).map { "\($0.name)|\($0.value)" } == expected)
        #expect(try FormFields.parse(form.utf8.span).count == expected.count)
    }

    @Test(
        "A % without two hexadecimal digits is refused, and its place and parameter named",
        arguments: [
            ("a=%", "a", 2), ("a=x%4", "a", 3), ("b=1&a=%zz", "a", 6), ("a=%4g", "a", 2),
            ("a=%&b=1", "a", 2), ("a=%+1", "a", 2), ("%=1", nil, 0), ("a=1&b%2=1", nil, 5),
        ])
    func badPercent(form: String, parameter: String?, offset: Int) {
        let expected = FormError(
            kind: .invalidPercent, parameter: parameter.map { ByteText($0) }, offset: offset)
        #expect(throws: expected) { try FormFields.parse(ByteText(form)) }
    }

    @Test("Bytes that are no UTF-8 are refused, escaped or not")
    func badUTF8() {
        for text in ["a=%ff", "a=%C3", "a=%ED%A0%80", "a=%C0%80", "a=%F5%80%80%80"] {
            #expect(throws: FormError(kind: .invalidUTF8, parameter: "a", offset: 2)) {
                try FormFields.parse(ByteText(text))
            }
        }
        #expect(throws: FormError(kind: .invalidUTF8, parameter: nil, offset: 0)) {
            try FormFields.parse(([0xFF, 0x3D, 0x31] as [UInt8]).span)
        }
    }

    @Test("More than 256 parameters are refused")
    func tooMany() throws {
        let most = Array(repeating: "a=1", count: 256).joined(separator: "&")
        #expect(try FormFields.parse(ByteText(most)).count == 256)
        let error = #expect(throws: FormError.self) {
            try FormFields.parse("\(most)&a=1")
        }
        #expect(error?.kind == .tooManyFields)
    }

    @Test("Errors hold no value, and no name that is long or odd")
    func errorsAreQuiet() {
        let error = #expect(throws: FormError.self) {
            try FormFields.parse("client_secret=s3cr3t%")
        }
        #expect(error?.description.contains("client_secret") == true)
        #expect(error?.description.contains("s3cr3t") == false)
        for name in ["a%20b", "a%22", String(repeating: "n", count: 65)] {
            let error = #expect(throws: FormError.self) { try FormFields.parse("\(name)=%") }
            #expect(error?.parameter == nil)
        }
    }

    @Test("What is encoded decodes to itself")
    func roundTrip() throws {
        for text in ["", "a b", "é€😀", "&=+%;\0\u{7F}", "\u{10FFFF}"] {
            let encoded = text.utf8.map { byte in
                (byte < 16 ? "%0" : "%") + String(byte, radix: 16)
            }.joined()
            let pairs = try FormFields.parse("n=\(encoded)&\(encoded)=v")
            #expect(pairs[0].value == ByteText(text))
            #expect(pairs[1].name == ByteText(text))
        }
    }

    @Test("No bytes make the parser trap, and it never gives more pairs than pieces")
    func arbitraryBytes() {
        var state: UInt64 = 7
        for _ in 0..<3000 {
            let bytes = (0..<24).map { _ -> UInt8 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let pick = UInt8(truncatingIfNeeded: state >> 40)
                return state & 1 << 35 == 0 ? pick : Array("%&=+4aF".utf8)[Int(pick) % 7]
            }
            let pairs = try? FormFields.parse(bytes.span)
            #expect((pairs?.count ?? 0) <= bytes.count { $0 == UInt8(ascii: "&") } + 1)
        }
    }
}
