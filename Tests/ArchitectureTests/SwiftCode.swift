/// The words and marks of a Swift file, without comments and what stands in literals.
struct SwiftCode: Sendable {
    /// A name between backticks is no keyword.
    enum Kind { case word, name, mark, literal }

    struct Token: Sendable {
        /// Its index among all.
        let place: Int
        let kind: Kind
        /// Of marks, which are single bytes but for `->`; of words without their backticks.
        let text: Substring
        /// From 1.
        let line: Int
        let isFirstOfLine: Bool
    }

    let tokens: [Token]
    /// By the place of a bracket of any kind that opens: the one that closes it.
    let closing: [Int: Int]

    init(_ text: String) {
        var lexer = Lexer(text)
        tokens = lexer.tokens()
        var (open, closing) = ([Int](), [Int: Int]())
        for (place, token) in tokens.enumerated() where token.kind == .mark {
            switch token.text {
            case "(", "[", "{": open.append(place)
            case ")", "]", "}": if let start = open.popLast() { closing[start] = place }
            default: break
            }
        }
        self.closing = closing
    }

    func isMark(_ place: Int, _ texts: Substring...) -> Bool {
        tokens.indices.contains(place) && tokens[place].kind == .mark
            && texts.contains(tokens[place].text)
    }

    /// Words that stand there as keywords or names.
    var words: [Token] { tokens.filter { $0.kind == .word } }

    /// The modules that are imported, whatever stands before the word.
    var imports: [Substring] {
        words.filter { $0.text == "import" && $0.place + 1 < tokens.count }
            .map { tokens[$0.place + 1].text }
    }

    func isBefore(_ token: Token, _ word: Substring) -> Bool {
        token.place + 1 < tokens.count && tokens[token.place + 1].text == word
    }

    /// Whether arguments follow, in parentheses or as a closure.
    func isCalled(_ token: Token) -> Bool { isMark(token.place + 1, "(", "{") }
}

/// Cuts a text at bytes: what is not ASCII is part of a word.
private struct Lexer {
    private let text: String
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1
    private var lastLine = 0

    init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
    }

    private func byte(_ offset: Int = 0) -> UInt8 {
        at + offset < bytes.count ? bytes[at + offset] : 0
    }

    private func starts(_ word: StaticString, _ offset: Int = 0) -> Bool {
        (0..<word.utf8CodeUnitCount).allSatisfy {
            unsafe byte(offset + $0) == word.utf8Start[$0]
        }
    }

    private mutating func step(_ count: Int = 1) {
        for _ in 0..<min(count, bytes.count - at) {
            if bytes[at] == UInt8(ascii: "\n") { line += 1 }
            at += 1
        }
    }

    private static func isOfWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || isDigit(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private var pounds: Int {
        var count = 0
        while byte(count) == UInt8(ascii: "#") { count += 1 }
        return count
    }

    mutating func tokens() -> [SwiftCode.Token] {
        var tokens: [SwiftCode.Token] = []
        while at < bytes.count {
            if skipsSpace() { continue }
            let (start, startLine) = (at, line)
            let kind = read()
            let range = text.utf8.index(text.startIndex, offsetBy: start)
            let end = text.utf8.index(range, offsetBy: at - start)
            let found = kind == .literal ? "" : text[range..<end]
            tokens.append(
                SwiftCode.Token(
                    place: tokens.count, kind: kind,
                    text: found.first == "`" ? found.dropFirst().dropLast() : found,
                    line: startLine, isFirstOfLine: startLine != lastLine))
            lastLine = line
        }
        return tokens
    }

    /// Over space, or one comment.
    private mutating func skipsSpace() -> Bool {
        if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "/") {
            while at < bytes.count, byte() != UInt8(ascii: "\n") { at += 1 }
            return true
        }
        if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
            var depth = 0
            repeat {
                if starts("/*") { depth += 1 }
                if starts("*/") { depth -= 1 }
                step(starts("/*") || starts("*/") ? 2 : 1)
            } while depth > 0 && at < bytes.count
            return true
        }
        guard byte() <= 0x20 else { return false }
        step()
        return true
    }

    private mutating func read() -> SwiftCode.Kind {
        let (first, hashes) = (byte(), pounds)
        if byte(hashes) == UInt8(ascii: "\"") {
            skipString(hashes)
            return .literal
        }
        if hashes > 0, byte(hashes) == UInt8(ascii: "/") {
            skipExpression(hashes)
            return .literal
        }
        if first == UInt8(ascii: "`") {
            repeat { at += 1 } while at < bytes.count && byte() != first
            at += 1
            return .name
        }
        if Self.isDigit(first) {
            skipNumber()
            return .literal
        }
        if Self.isOfWord(first) {
            repeat { at += 1 } while at < bytes.count && Self.isOfWord(byte())
            return .word
        }
        at += starts("->") ? 2 : 1
        return .mark
    }

    private mutating func skipNumber() {
        while Self.isOfWord(byte())
            || byte() == UInt8(ascii: ".") && Self.isDigit(byte(1))
        {
            at += 1
        }
    }

    /// `#/…/#`, with as many hashes behind as before.
    private mutating func skipExpression(_ hashes: Int) {
        at += hashes + 1
        while at < bytes.count {
            if byte() == UInt8(ascii: "/") {
                let end = (1...hashes).allSatisfy { byte($0) == UInt8(ascii: "#") }
                if end { return at += 1 + hashes }
            }
            step(byte() == UInt8(ascii: "\\") ? 2 : 1)
        }
    }

    /// From the first `#` or quote to behind the last. What is interpolated may hold strings.
    private mutating func skipString(_ hashes: Int) {
        at += hashes
        let quotes = isOfLines ? 3 : 1
        at += quotes
        while at < bytes.count {
            let hasQuotes = (0..<quotes).allSatisfy { byte($0) == UInt8(ascii: "\"") }
            if hasQuotes, (0..<hashes).allSatisfy({ byte(quotes + $0) == UInt8(ascii: "#") }) {
                return at += quotes + hashes
            }
            let isEscape = byte() == UInt8(ascii: "\\")
            guard isEscape, (0..<hashes).allSatisfy({ byte(1 + $0) == UInt8(ascii: "#") }) else {
                step()
                continue
            }
            at += 1 + hashes
            if byte() == UInt8(ascii: "(") { skipInterpolation() } else { step() }
        }
    }

    /// Three quotes with nothing behind them: `#""""#` is one quote between two.
    private var isOfLines: Bool {
        starts("\"\"\"")
            && bytes[(at + 3)...].first { $0 > 0x20 || $0 == UInt8(ascii: "\n") }
                == UInt8(ascii: "\n")
    }

    private mutating func skipInterpolation() {
        var depth = 0
        repeat {
            if skipsSpace() { continue }
            if byte() == UInt8(ascii: "(") { depth += 1 }
            if byte() == UInt8(ascii: ")") { depth -= 1 }
            _ = read()
        } while depth > 0 && at < bytes.count
    }
}
