/// The functions of a Swift file: `func`, `init`, `deinit`, `subscript`, and accessors.
struct FunctionReader {
    enum Kind { case function, initializer, deinitializer, subscripting, accessor }

    struct Found {
        let kind: Kind
        /// Of a function its name; of an accessor that of its property, or the accessor's own.
        let name: Substring
        /// From the line of `func` to that of the last brace; nil where there is no body.
        let lines: ClosedRange<Int>?
    }

    private let code: SwiftCode
    private(set) var found: [Found] = []

    init(_ code: SwiftCode) {
        self.code = code
        for (place, token) in code.tokens.enumerated() where token.kind == .word {
            read(token.text, at: place)
        }
    }

    private static let accessors: Set<Substring> = [
        "get", "set", "willSet", "didSet", "_read", "_modify", "read", "modify", "unsafeAddress",
        "unsafeMutableAddress",
    ]
    private static let effects: Set<Substring> = ["async", "throws", "rethrows"]
    /// What may stand before an accessor.
    private static let modifiers: Set<Substring> = [
        "mutating", "nonmutating", "borrowing", "consuming", "yielding", "private", "fileprivate",
    ]
    /// What may begin a line in the middle of a type, or of what follows parameters.
    private static let continuing: Set<Substring> = [
        "->", "&", ".", ",", ":", ">", "where", "async", "throws", "rethrows", "{",
    ]

    private mutating func read(_ word: Substring, at place: Int) {
        // `.init(…)` calls one, and a word before a colon is a label.
        guard !code.isMark(place - 1, "."), !code.isMark(place + 1, ":") else { return }
        switch word {
        case "func":
            let name = self.name(behind: place)
            add(.function, name.text, at: place, from: name.next)
        case "init" where code.isMark(place + 1, "(", "<", "?", "!"):
            add(.initializer, "init", at: place, from: place + 1)
        case "deinit" where code.isMark(place + 1, "{"):
            add(.deinitializer, "deinit", at: place, from: place + 1)
        case "subscript" where code.isMark(place + 1, "(", "<"):
            let start = body(from: place + 1)
            let own = start.map { accessors(in: $0) } ?? []
            // Of a requirement, `{ get }`.
            let hasBody = own.isEmpty || own.contains { $0.lines != nil }
            found.append(
                Found(
                    kind: .subscripting, name: "subscript",
                    lines: hasBody ? start.flatMap { lines(from: place, body: $0) } : nil))
            found += own
        case "var": readProperty(at: place)
        default: break
        }
    }

    /// A word, or all marks of an operator, and where what is behind it begins.
    private func name(behind place: Int) -> (text: Substring, next: Int) {
        var (text, next) = (Substring(), place + 1)
        repeat {
            guard next < code.tokens.count else { break }
            text += code.tokens[next].text
            next += 1
        } while next < code.tokens.count && code.tokens[next - 1].kind == .mark
            && code.tokens[next].kind == .mark && !code.isMark(next, "(")
        return (text, next)
    }

    private mutating func add(_ kind: Kind, _ name: Substring, at place: Int, from next: Int) {
        let start = body(from: next)
        found.append(
            Found(kind: kind, name: name, lines: start.flatMap { lines(from: place, body: $0) }))
    }

    private func lines(from place: Int, body: Int) -> ClosedRange<Int>? {
        code.closing[body].map { code.tokens[place].line...code.tokens[$0].line }
    }

    /// The brace that opens the body of what is declared there; nil where the declaration ends
    /// without one.
    private func body(from start: Int) -> Int? {
        var place = start
        while place < code.tokens.count {
            let token = code.tokens[place]
            if token.isFirstOfLine, place > start, !continues(place, since: start) { return nil }
            // `for var x: T in` and `guard var x: T else`.
            if token.kind == .word, token.text == "in" || token.text == "else" { return nil }
            if token.kind == .mark {
                switch token.text {
                case "{": return place
                case "}", ")", "]", ";": return nil
                case "=": if !isEquality(place) { return nil }
                case "(", "[": place = code.closing[place] ?? place
                default: break
                }
            }
            place += 1
        }
        return nil
    }

    /// Whether that `=` is of `where T == U`, and no value's.
    private func isEquality(_ place: Int) -> Bool {
        code.isMark(place - 1, "=") || code.isMark(place + 1, "=")
    }

    /// Whether the line that begins there goes on with what the one before said.
    private func continues(_ place: Int, since start: Int) -> Bool {
        let (token, last) = (code.tokens[place], code.tokens[place - 1])
        return Self.continuing.contains(token.text)
            || ["->", "&", ",", ":", "=", "<", "where"].contains(last.text)
            // Parameters or arguments of generics on lines of their own.
            || isInAngles(place, since: start)
    }

    private func isInAngles(_ place: Int, since start: Int) -> Bool {
        var depth = 0
        for at in start..<place {
            if code.isMark(at, "<") { depth += 1 }
            if code.isMark(at, ">") { depth -= 1 }
        }
        return depth > 0
    }

    /// `var name: Type {`, or `var name = value { didSet {`.
    private mutating func readProperty(at place: Int) {
        let name = place + 1
        guard name + 1 < code.tokens.count, code.tokens[name].kind != .mark,
            place == 0 || code.tokens[place - 1].text != "case"
        else { return }
        if code.isMark(name + 1, ":"), let start = body(from: name + 2) {
            let own = accessors(in: start)
            found +=
                own.isEmpty
                ? [
                    Found(
                        kind: .accessor, name: code.tokens[name].text,
                        lines: lines(from: place, body: start))
                ] : own
        } else if let start = observers(from: name + 1) {
            found += accessors(in: start)
        }
    }

    /// The brace behind a first value that holds observers.
    private func observers(from start: Int) -> Int? {
        var place = start
        while place < code.tokens.count {
            let token = code.tokens[place]
            if token.isFirstOfLine, !code.isMark(place, ".", "?", ":", "+", "{"),
                !code.isMark(place - 1, "=", "?", ":", "+", "{")
            {
                return nil
            }
            if code.isMark(place, "{") {
                let next = code.tokens[place + 1].text
                return next == "didSet" || next == "willSet" ? place : nil
            }
            if code.isMark(place, "}", ")", "]", ";") { return nil }
            if code.isMark(place, "(", "[") { place = code.closing[place] ?? place }
            place += 1
        }
        return nil
    }

    /// Those that a block names; none where the block is a getter's body itself.
    private func accessors(in block: Int) -> [Found] {
        guard let end = code.closing[block] else { return [] }
        var (own, place) = ([Found](), block + 1)
        while place < end {
            while code.isMark(place, "@") { place = behindAttribute(place) }
            guard code.tokens[place].kind == .word else { return [] }
            if Self.modifiers.contains(code.tokens[place].text) {
                place += 1
                continue
            }
            guard Self.accessors.contains(code.tokens[place].text) else { return [] }
            let (word, start) = (code.tokens[place].text, place)
            place += 1
            if code.isMark(place, "("), word != "get" { place = (code.closing[place] ?? end) + 1 }
            while place < end, Self.effects.contains(code.tokens[place].text) {
                place += 1
                if code.isMark(place, "(") { place = (code.closing[place] ?? end) + 1 }
            }
            var range: ClosedRange<Int>?
            if code.isMark(place, "{"), let last = code.closing[place] {
                range = code.tokens[start].line...code.tokens[last].line
                place = last + 1
            } else if place < end, code.tokens[place].kind != .word, !code.isMark(place, "@") {
                return []
            }
            own.append(Found(kind: .accessor, name: word, lines: range))
        }
        return own
    }

    private func behindAttribute(_ place: Int) -> Int {
        code.isMark(place + 2, "(") ? (code.closing[place + 2] ?? place) + 1 : place + 2
    }
}
