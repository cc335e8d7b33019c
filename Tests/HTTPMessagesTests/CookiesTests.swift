import Bytes
import HTTPMessages
import Testing

@Suite struct CookiesTests {
    private func pairs(_ values: String...) -> [String] {
        let headers = HeaderFields(values.map { ("Cookie", ByteText($0)) })
        return Cookies.pairs(in: headers).map { "\($0.name)|\($0.value)" }
    }

    @Test("Several Cookie fields are one list, in order (RFC 6265bis §4.2)")
    func severalFields() {
        #expect(pairs("a=1; b=2", "a=3") == ["a|1", "b|2", "a|3"])
        #expect(pairs() == [])
    }

    @Test("White space around names and values goes; empty pieces go; quotes stay")
    func forms() {
        #expect(pairs(" a = 1 ;; ;b=\t2;c=;=d;e") == ["a|1", "b|2", "c|", "|d", "|e"])
        #expect(pairs("q=\"x y\"; r=\"z") == ["q|\"x y\"", "r|\"z"])
        #expect(pairs("q=\"x; y=1\"") == ["q|\"x", "y|1\""])
        #expect(pairs("a=b=c==; d=e,f=g") == ["a|b=c==", "d|e,f=g"])
    }

    @Test("Names are case-sensitive; the field's own name is not")
    func nameCase() {
        #expect(pairs("A=1; a=2") == ["A|1", "a|2"])
        #expect(Cookies.pairs(in: HeaderFields([("cOOKIE", "a=1")])).count == 1)
        #expect(Cookies.pairs(in: HeaderFields([("Cookie2", "a=1")])).isEmpty)
    }

    @Test("Removing takes every cookie of the name, and the fields it leaves empty")
    func removing() {
        let headers = HeaderFields([
            ("Host", "h"), ("Cookie", "a=1;  b=2;"), ("cookie", "s=x"),
            ("Cookie", "c=3; s=y ; S=z; s"), ("X", "s=1"),
        ])
        let left = Cookies.removing(named: "s", from: headers)
        #expect(
            left
                == HeaderFields([
                    ("Host", "h"), ("Cookie", "a=1;  b=2;"), ("Cookie", "c=3; S=z; s"),
                    ("X", "s=1"),
                ]))
        #expect(Cookies.removing(named: "none", from: headers) == headers)
    }

    @Test("Whatever the cookies are, removing one name leaves exactly the others")
    func removingProperty() {
        var state: UInt64 = 42
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let pieces = ["s=1", "s=", "a=2", " s = 3", "b", "", "=s", "ss=4", "s", "\ts=\"5\""]
        for _ in 0..<2000 {
            let headers = HeaderFields(
                (0..<next(4)).map { _ -> (ByteText, ByteText) in
                    let value = (0..<next(6)).map { _ in pieces[next(pieces.count)] }
                        .joined(separator: [";", "; "][next(2)])
                    return ("Cookie", ByteText(value))
                })
            let before = Cookies.pairs(in: headers).filter { $0.name != "s" }
            let after = Cookies.pairs(in: Cookies.removing(named: "s", from: headers))
            #expect(after.map { [$0.name, $0.value] } == before.map { [$0.name, $0.value] })
        }
    }
}
