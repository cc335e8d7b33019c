import Bytes
import Testing

@testable import Identifiers

/// Names are bytes (docs/protocol.md §1): no two spellings of one text are one name.
@Suite struct IdentifiersTests {
    @Test("Two spellings that String calls equal are two names (docs/protocol.md §1)")
    func spellings() {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        #expect(composed == decomposed)
        #expect(RoomName(composed) != RoomName(decomposed))
        #expect(Set([Subject(composed), Subject(decomposed)]).count == 2)
        #expect(ClientID(composed) == ClientID(ByteText(composed)))
    }

    @Test("Names are ordered by their bytes (docs/protocol.md §1)")
    func order() {
        let names: [ClientID] = ["b", "a", "\u{E9}", "e\u{301}"]
        #expect(names.sorted() == ["a", "b", "e\u{301}", "\u{E9}"])
    }

    @Test("A name is shown as it was given (docs/protocol.md §1)")
    func shown() {
        #expect("\(RoomName("lobby"))" == "lobby")
        #expect(RoomName("lobby").string == "lobby")
    }
}
