import Bytes
import Tables
import Testing

@Suite struct ItemTests {
    @Test("A value is given as what it is, and as nothing else")
    func values() {
        let values: [ItemValue] = [
            .text("1"), .number(1), .bytes([1]), .flag(true), .list([.number(1)]),
            .map(["a": .number(1)]), .null,
        ]
        #expect(values.map(\.text) == ["1", nil, nil, nil, nil, nil, nil])
        #expect(values.map(\.number) == [nil, 1, nil, nil, nil, nil, nil])
        #expect(values.map(\.bytes) == [nil, nil, [1], nil, nil, nil, nil])
        #expect(values.map(\.flag) == [nil, nil, nil, true, nil, nil, nil])
        #expect(values.map(\.list) == [nil, nil, nil, nil, [.number(1)], nil, nil])
        #expect(values.map(\.map) == [nil, nil, nil, nil, nil, ["a": .number(1)], nil])
    }

    @Test("Names that look alike are two, in keys and in items")
    func namesAreBytes() {
        let (composed, decomposed): (ByteText, ByteText) = ("\u{E9}", "e\u{301}")
        #expect(ItemKey(composed) != ItemKey(decomposed))
        let item: Item = [composed: .number(1), decomposed: .number(2)]
        #expect(item.count == 2)
        #expect(ItemKey("a") == ItemKey("a", "-"))
    }
}
