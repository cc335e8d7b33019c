import Testing

@testable import Bytes

@Suite struct ByteTextTests {
    @Test("Two spellings that Unicode calls equivalent are two texts")
    func spellingsAreDifferent() {
        let composed: ByteText = "\u{E9}"
        let decomposed: ByteText = "e\u{301}"
        #expect(composed.string == decomposed.string)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test(
        "Equal bytes are equal and hash alike, of any length",
        arguments: [0, 1, 7, 8, 9, 15, 16, 17, 64, 200])
    func equality(length: Int) {
        let bytes = (0..<length).map { UInt8($0 % 90 + 32) }
        let one = ByteText(String(decoding: bytes, as: UTF8.self))
        #expect(one == ByteText(String(decoding: bytes, as: UTF8.self)))
        #expect(Set([one, ByteText(String(decoding: bytes, as: UTF8.self))]).count == 1)
        for index in bytes.indices {
            var others = bytes
            others[index] ^= 1
            #expect(one != ByteText(String(decoding: others, as: UTF8.self)))
        }
        #expect(one != ByteText(String(decoding: bytes + [0], as: UTF8.self)))
    }

    @Test("A literal in a switch is compared by bytes")
    func patterns() {
        let text: ByteText = "caf\u{E9}"
        switch text {
        case "cafe\u{301}": Issue.record("canonical equivalents are two texts")
        case "caf\u{E9}": break
        default: Issue.record("the same bytes are the same text")
        }
    }

    @Test("What is no UTF-8 is no text")
    func refusesOtherBytes() {
        let good: [UInt8] = [0xC3, 0xA9]
        #expect(ByteText(good.span) == "\u{E9}")
        for bad: [UInt8] in [[0xC3], [0xFF], [0xED, 0xA0, 0x80]] {
            #expect(ByteText(bad.span) == nil)
        }
    }

    @Test("The order is that of the bytes, and a prefix is one of bytes")
    func orderAndPrefix() {
        #expect(
            ["b", "a\u{301}", "\u{E1}", "a"].sorted() == ["a", "a\u{301}", "b", "\u{E1}"]
                as [ByteText])
        #expect(ByteText("e\u{301}x").hasPrefix("e"))
        #expect(!ByteText("\u{E9}x").hasPrefix("e\u{301}"))
        #expect(ByteText("ab").hasPrefix("") && ByteText("ab").hasPrefix("ab"))
        #expect(!ByteText("ab").hasPrefix("abc"))
        #expect(ByteText("/peers/é").dropFirst(7) == "é")
    }

    @Test("Parts lie between ASCII bytes, whatever marks follow these")
    func parts() {
        let comma = UInt8(ascii: ",")
        #expect(ByteText("a,\u{301}b,,c").split(separator: comma) == ["a", "\u{301}b", "c"])
        #expect(
            ByteText(",a,").split(separator: comma, omittingEmptySubsequences: false)
                == ["", "a", ""])
        #expect(ByteText("a,b,c").split(separator: comma, maxSplits: 1) == ["a", "b,c"])
        #expect((["a", "é"] as [ByteText]).joined(separator: "; ") == "a; é")
    }

    @Test("A case of an enum is named by exactly its bytes")
    func named() {
        enum Unit: String, CaseIterable { case ohm = "\u{3A9}" }
        #expect(Unit(named: "\u{3A9}") == .ohm)
        // The sign for ohm, which String takes for the letter omega.
        #expect(Unit(rawValue: "\u{2126}") == .ohm)
        #expect(Unit(named: "\u{2126}") == nil)
    }
}
