import Identifiers
import Testing
import Tokens

@Suite("Room patterns and scopes")
struct RoomPatternTests {
    @Test(
        "A pattern covers its own name, or with a star what begins like it",
        arguments: [
            ("lobby", "lobby", true), ("lobby", "lobby2", false), ("lobby", "Lobby", false),
            ("team-*", "team-", true), ("team-*", "team-1", true), ("team-*", "team", false),
            ("*", "", true), ("*", "anything", true), ("lobby", "", false), ("te*", "team-*", true),
            ("caf\u{E9}", "cafe\u{301}", false), ("caf\u{E9}*", "cafe\u{301}x", false),
            ("\u{212A}", "K", false),
        ])
    func rooms(_ pattern: String, _ room: RoomName, _ isCovered: Bool) throws {
        #expect(try RoomPattern(pattern).covers(room: room) == isCovered)
    }

    @Test(
        "A pattern covers a narrower one and none wider",
        arguments: [
            ("team-*", "team-1", true), ("team-*", "team-a*", true), ("team-*", "team-*", true),
            ("team-*", "team*", false), ("team-*", "*", false), ("*", "*", true), ("*", "x", true),
            ("team-1", "team-1", true), ("team-1", "team-1*", false), ("team-1", "team-*", false),
        ])
    func narrower(_ wide: String, _ narrow: String, _ isCovered: Bool) throws {
        #expect(try RoomPattern(wide).covers(RoomPattern(narrow)) == isCovered)
    }

    @Test("A pattern without a star is one room, and no other is")
    func single() throws {
        #expect(try RoomPattern("lobby").room == "lobby")
        for pattern in ["*", "team-*"] { #expect(try RoomPattern(pattern).room == nil) }
    }

    @Test(
        "A star stands last, characters are visible, bytes are 1 to 256",
        arguments: [
            ("", RoomPatternError.empty), ("a*b", .starNotLast), ("**", .starNotLast),
            ("*a", .starNotLast), ("a b", .whiteSpaceOrControl), ("a\n", .whiteSpaceOrControl),
            ("a\u{0}", .whiteSpaceOrControl), ("a\u{7F}", .whiteSpaceOrControl),
            ("a\u{A0}b", .whiteSpaceOrControl), ("a\u{2028}", .whiteSpaceOrControl),
            ("\u{85}", .whiteSpaceOrControl), ("a\u{3000}", .whiteSpaceOrControl),
            (String(repeating: "a", count: 257), .tooLong(byteCount: 257)),
            (String(repeating: "é", count: 129), .tooLong(byteCount: 258)),
        ])
    func refused(_ text: String, _ error: RoomPatternError) {
        #expect(throws: error) { _ = try RoomPattern(text) }
        #expect(!error.description.isEmpty)
    }

    @Test(
        "256 bytes and any script are taken",
        arguments: [
            String(repeating: "a", count: 256), "Übung-*", "部屋", "a\"b\\c", "🎥",
        ])
    func taken(_ text: String) throws {
        let pattern = try RoomPattern(text)
        #expect(pattern.text == text)
        #expect(pattern.description == text)
    }

    @Test("Patterns are equal by their bytes, not by Unicode's equivalence")
    func equality() throws {
        let patterns: Set = [try RoomPattern("caf\u{E9}"), try RoomPattern("cafe\u{301}")]
        #expect(patterns.count == 2)
        #expect(try patterns.contains(RoomPattern("caf\u{E9}")))
    }

    @Test(
        "A scope is tokens with single spaces between (RFC 6749 §3.3)",
        arguments: [
            ("signal", ["signal"]), ("a b c", ["a", "b", "c"]), ("!#[]~", ["!#[]~"]), ("", nil),
            (" a", nil), ("a ", nil), ("a  b", nil), ("a\tb", nil), ("a\"b", nil), ("a\\b", nil),
            ("é", nil), ("a\u{7F}", nil), ("a\u{0}", nil),
        ] as [(String, [String]?)])
    func scopes(_ text: String, _ expected: [String]?) {
        #expect(Scope.parse(text) == expected)
    }
}
