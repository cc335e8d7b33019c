import Testing

/// What a test does by chance can be done again.
@Suite struct RandomnessTests {
    private static let tests = Checkout.swift.filter(\.isTest)

    /// The range between the bracket that is opened there and the one that closes it.
    private static func inside(_ code: SwiftCode, _ place: Int) -> Range<Int> {
        (place + 1)..<max(place + 1, code.closing[place] ?? place + 1)
    }

    /// Calls that take the system's chance, of functions that can be given a generator.
    private static func unseeded(_ code: SwiftCode) -> [SwiftCode.Token] {
        code.words.filter { word in
            if word.text == "SystemRandomNumberGenerator" { return true }
            guard ["random", "randomElement", "shuffle", "shuffled"].contains(word.text),
                code.isMark(word.place - 1, "."), code.isMark(word.place + 1, "(")
            else { return false }
            // A type's, or of the type that is expected; a value's is a function of ours.
            let before = code.tokens[max(0, word.place - 2)]
            let isOfValue = before.kind == .word && before.text.first?.isLowercase == true
            if word.text == "random", isOfValue { return false }
            return !Self.inside(code, word.place + 1).contains { code.tokens[$0].text == "using" }
        }
    }

    /// Loops over seeds that expect something and do not name the seed.
    private static func anonymous(_ file: Checkout.File) -> [SwiftCode.Token] {
        let code = file.code
        return code.words.filter { word in
            guard word.text == "for", code.tokens.indices.contains(word.place + 2),
                code.tokens[word.place + 2].text == "in",
                let brace = code.tokens[word.place...].first(where: { code.isMark($0.place, "{") })
            else { return false }
            let body = Self.inside(code, brace.place)
            let variable = code.tokens[word.place + 1].text
            let isSeed = body.contains { place in
                code.tokens[place].text == "seed" && code.isMark(place + 1, ":")
                    && code.tokens[(place + 2)...].prefix(4).contains { $0.text == variable }
            }
            let expects = body.contains { ["expect", "record"].contains(code.tokens[$0].text) }
            let lines = file.lines[(brace.line - 1)..<code.tokens[body.upperBound].line]
            return isSeed && expects && !lines.contains { $0.contains("seed \\(") }
        }
    }

    @Test("Chance in tests comes from a seed")
    func seeded() {
        let findings = Self.tests.flatMap { file in
            Self.unseeded(file.code).map { "\(file.path):\($0.line)" }
        }
        #expect(findings.isEmpty, "use SeededGenerator: \(findings)")
        #expect(Self.tests.count { $0.code.words.contains { $0.text == "SeededGenerator" } } > 10)
    }

    @Test("A loop over seeds says which one failed; better is an argument of the test")
    func named() {
        let findings = Self.tests.flatMap { file in
            Self.anonymous(file).map { "\(file.path):\($0.line)" }
        }
        #expect(findings.isEmpty, "name the seed: \(findings)")
    }

    @Test("These rules see what they are for")
    func seen() {
        let code = SwiftCode(
            """
            var random = SystemRandomNumberGenerator()
            let a = Int.random(in: 0..<3), b = [1, 2].shuffled(), c: Bool = .random()
            let d = list.randomElement()
            let e = Int.random(in: 0..<3, using: &random), f = world.random()
            let g = x.shuffled(using: &h)
            """)
        #expect(Self.unseeded(code).map(\.line) == [1, 2, 2, 2, 3])
        let loop = "for seed in 0..<9 {\n    var x = SeededGenerator(seed: seed)\n    #expect(x)\n}"
        func file(_ text: String) -> Checkout.File {
            Checkout.File(
                path: "x.swift", lines: text.split(separator: "\n"), code: SwiftCode(text))
        }
        #expect(Self.anonymous(file(loop)).count == 1)
        let naming = loop.replacing("expect(x)", with: "expect(x, \"seed \\(seed)\")")
        #expect(Self.anonymous(file(naming)).isEmpty)
    }
}
