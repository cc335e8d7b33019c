import Testing
import WebSocket

@Suite struct UTF8ValidatorTests {
    /// Whether the bytes are a whole text, given in two pieces cut at `cut`.
    private func isValid(_ bytes: [UInt8], cutAt cut: Int) -> Bool {
        var validator = UTF8Validator()
        let whole = bytes.span
        guard validator.accept(whole.extracting(..<cut)) else { return false }
        return validator.accept(whole.extracting(cut...)) && validator.isComplete
    }

    private static let valid: [[UInt8]] = [
        [], [0x00], [0x7f], [0xc2, 0x80], [0xdf, 0xbf], [0xe0, 0xa0, 0x80], [0xed, 0x9f, 0xbf],
        [0xee, 0x80, 0x80], [0xef, 0xbf, 0xbf], [0xf0, 0x90, 0x80, 0x80], [0xf4, 0x8f, 0xbf, 0xbf],
        [0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xce, 0xbc, 0xce, 0xb5],
        Array(String(repeating: "twenty bytes of text", count: 4).utf8),
        Array("fifteen letters€ and more of them behind 𝄞".utf8),
    ]

    private static let invalid: [[UInt8]] = [
        [0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xc2], [0xc2, 0x41], [0xc2, 0xc2],
        [0xe0, 0x80, 0x80], [0xe0, 0x9f, 0xbf], [0xe2, 0x82], [0xe2, 0x28, 0xa1],
        [0xe2, 0x82, 0x28], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xf0, 0x80, 0x80, 0x80],
        [0xf0, 0x8f, 0xbf, 0xbf], [0xf0, 0x90, 0x80], [0xf0, 0x90, 0x28, 0xbc],
        [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80],
        [0xfe], [0xff], Array(repeating: 0x61, count: 40) + [0xff] + Array("after".utf8),
        [0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xed, 0xa0, 0x80, 0x65],
    ]

    @Test("Well-formed text is taken, cut anywhere (RFC 3629 §4)", arguments: valid)
    func wellFormed(bytes: [UInt8]) {
        for cut in 0...bytes.count { #expect(isValid(bytes, cutAt: cut)) }
    }

    @Test("Overlong forms, surrogates and strays are refused, cut anywhere", arguments: invalid)
    func malformed(bytes: [UInt8]) {
        for cut in 0...bytes.count { #expect(!isValid(bytes, cutAt: cut)) }
    }

    @Test("A bad byte is refused at once, before the text ends (RFC 6455 §8.1)")
    func failsFast() {
        for start in [[0x61, 0xf4, 0x90], [0xed, 0xa0], [0xc0], [0xe2, 0x82, 0x41]] as [[UInt8]] {
            var validator = UTF8Validator()
            let isTaken = validator.accept(start.span)
            #expect(!isTaken)
        }
    }

    @Test("It agrees with the standard library on every text of three bytes")
    func everyThreeBytes() {
        let edges: [UInt8] = [
            0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
            0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
        ]
        for first in edges {
            for second in edges {
                for third in edges {
                    let bytes = [first, second, third]
                    let isText = String(validating: bytes, as: UTF8.self) != nil
                    if isValid(bytes, cutAt: 0) != isText { Issue.record("\(bytes)") }
                    let four = bytes + [0x80]
                    let isLonger = String(validating: four, as: UTF8.self) != nil
                    if isValid(four, cutAt: 2) != isLonger { Issue.record("\(four)") }
                }
            }
        }
    }
}
