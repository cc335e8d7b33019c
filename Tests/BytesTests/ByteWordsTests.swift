import Testing

@testable import Bytes

/// Eight bytes at a time against one at a time: every byte, at every place of every length.
@Suite struct ByteWordsTests {
    static let lengths = Array(0...25)

    private func texts(_ length: Int) -> [[UInt8]] {
        let plain = (0..<length).map { UInt8(0x61 + $0 % 26) }
        var all = [plain]
        for place in 0..<length {
            for byte in UInt8.min...UInt8.max {
                var text = plain
                text[place] = byte
                all.append(text)
            }
        }
        return all
    }

    @Test(
        "Bytes are equal, with and without regard to the case of ASCII letters", arguments: lengths)
    func equality(length: Int) {
        func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
        let all = texts(length)
        let plain = all[0]
        for text in all {
            let isSame = text == plain
            let equals = text.span.equals(plain.span)
            #expect(equals == isSame)
            let isAlike = text.map(lower) == plain.map(lower)
            let equalsIgnoringCase = text.span.equalsIgnoringCase(plain.span)
            #expect(equalsIgnoringCase == isAlike)
        }
        let longer = plain + [0]
        let (one, other) = (
            longer.span.equals(plain.span), longer.span.equalsIgnoringCase(plain.span)
        )
        #expect(!one && !other)
    }

    @Test("ASCII, and what may stand in fields and ids", arguments: lengths)
    func classes(length: Int) {
        for text in texts(length) {
            let isASCII = text.span.isASCII
            #expect(isASCII == text.allSatisfy { $0 < 0x80 })
            for low: UInt8 in [0x20, 0x21] {
                let isGood = text.allSatisfy { $0 >= low && $0 != 0x7F }
                let isPrintable = text.span.isPrintable(from: low)
                #expect(isPrintable == isGood)
            }
        }
    }

    @Test("A number in digits, behind what is there")
    func digits() {
        for number in [0, 7, 9, 10, 99, 100, 4_102_444_800, 1_000_000_000, Int64.max] {
            var text: [UInt8] = [0x3A]
            text.append(decimal: number)
            #expect(text == Array(":\(number)".utf8))
        }
    }

    @Test("Eight bytes are written where they belong and nowhere else")
    func writing() {
        for place in 0...9 {
            var bytes = [UInt8](0..<17)
            var span = bytes.mutableSpan
            span.setWord(0x8877_6655_4433_2211, at: place)
            var expected = [UInt8](0..<17)
            for lane in 0..<8 { expected[place + lane] = UInt8(0x11 * (lane + 1)) }
            #expect(bytes == expected)
        }
    }

    @Test("The first byte of a kind, within its range alone", arguments: lengths)
    func places(length: Int) {
        for byte: UInt8 in [0, 0x3B, 0x7F, 0x80, 0xFF] {
            for place in 0..<length {
                var text = [UInt8](repeating: byte ^ 1, count: length)
                text[place] = byte
                text[length - 1] = byte
                for start in 0...length {
                    for end in start...length {
                        let found = text.span.firstIndex(of: byte, in: start..<end)
                        #expect(found == text[start..<end].firstIndex(of: byte))
                    }
                }
            }
        }
    }

    @Test(
        "Lanes of a range of ASCII, and no others, whatever stands beside them",
        arguments: [
            0x2D...0x39, 0x30...0x39, 0x41...0x5A, 0x61...0x66, 0x61...0x7A, 0x2B...0x2B,
            0x7E...0x7E, 0...0x7F,
        ] as [ClosedRange<UInt8>])
    func lanes(range: ClosedRange<UInt8>) {
        for other in [0, 0x7F, 0x80, 0xFF, range.lowerBound, range.upperBound] {
            for byte in UInt8.min...UInt8.max {
                for lane in 0..<8 {
                    var bytes = [UInt8](repeating: other, count: 8)
                    bytes[lane] = byte
                    let expected = bytes.map { range.contains($0) ? 0x80 : 0 as UInt8 }
                    let found = ByteLanes.areASCII(
                        bytes.span.word(0), from: range.lowerBound, to: range.upperBound)
                    #expect(found == expected.span.word(0))
                }
            }
        }
    }
}
