import Bytes
import Locking
import Tables

/// Evaluates the expressions of DynamoDB that the relay uses, and traps where DynamoDB would refuse
/// one: a placeholder that is missing or too much, two paths that overlap, a list or map that is
/// not there.
struct Expressions {
    private enum Step: Equatable {
        case name(ByteText)
        case index(Int)
    }

    private var tokens: [String] = []
    private var position = 0
    private let names: [ByteText: ByteText]
    private let values: [ByteText: ItemValue]
    private var used: Set<ByteText> = []
    /// As it was before the update.
    private var item: Item

    private init(_ expression: TableExpression, _ item: Item) {
        names = expression.names
        values = expression.values
        self.item = item
        tokens = Self.tokens(of: expression.text)
    }

    static func holds(_ condition: TableExpression?, of item: Item?) -> Bool {
        guard let condition else { return true }
        var reader = Expressions(condition, item ?? [:])
        let result = reader.disjunction()
        reader.finish()
        return result
    }

    static func updated(_ item: Item?, by update: TableExpression) -> Item {
        var reader = Expressions(update, item ?? [:])
        let changed = reader.update()
        reader.finish()
        return changed
    }

    // MARK: Reading

    /// By their texts, which are few.
    private static let known = Lock<[String: [String]]>([:])

    private static func tokens(of text: String) -> [String] {
        if let tokens = known.withLock({ $0[text] }) { return tokens }
        let tokens = split(text)
        known.withLock { $0[text] = tokens }
        return tokens
    }

    private static func split(_ text: String) -> [String] {
        var tokens: [String] = []
        var word = ""
        for letter in text {
            if letter.isLetter || letter.isNumber || "#:_".contains(letter) {
                word.append(letter)
                continue
            }
            if !word.isEmpty { tokens.append(word) }
            word = ""
            guard letter != " " else { continue }
            if letter == "=", let last = tokens.last, ["<", ">"].contains(last) {
                tokens[tokens.count - 1] = last + "="
            } else {
                tokens.append(String(letter))
            }
        }
        if !word.isEmpty { tokens.append(word) }
        return tokens
    }

    private var next: String? { position < tokens.count ? tokens[position] : nil }

    private mutating func take() -> String {
        guard let token = next else { fatalError("an expression ends too early") }
        position += 1
        return token
    }

    private mutating func take(_ wanted: String) {
        let token = take()
        precondition(token == wanted, "\(wanted) is missing before \(token)")
    }

    private mutating func skip(_ wanted: String) -> Bool {
        guard next == wanted else { return false }
        position += 1
        return true
    }

    private func finish() {
        precondition(position == tokens.count, "\(tokens[position...]) is too much")
        let given = Set(names.keys).union(values.keys)
        precondition(used == given, "\(given.symmetricDifference(used)) does not fit")
    }

    // MARK: Paths and values

    private mutating func path() -> [Step] {
        var steps: [Step] = [name()]
        while true {
            if skip(".") {
                steps.append(name())
            } else if skip("[") {
                guard let index = Int(take()) else { fatalError("no index") }
                steps.append(.index(index))
                take("]")
            } else {
                return steps
            }
        }
    }

    private mutating func name() -> Step {
        let token = take()
        guard let name = names[ByteText(token)] else { fatalError("\(token) has no name") }
        used.insert(ByteText(token))
        return .name(name)
    }

    private func value(at path: [Step]) -> ItemValue? {
        var value: ItemValue? = .map(item)
        for step in path {
            switch step {
            case .name(let name): value = value?.map?[name]
            case .index(let index):
                guard let list = value?.list, index < list.count else { return nil }
                value = list[index]
            }
        }
        return value
    }

    private mutating func operand() -> ItemValue? {
        guard let token = next else { fatalError("an operand is missing") }
        if token.hasPrefix(":") {
            position += 1
            guard let value = values[ByteText(token)] else { fatalError("\(token) has no value") }
            used.insert(ByteText(token))
            return value
        }
        switch token {
        case "if_not_exists":
            position += 1
            take("(")
            let known = value(at: path())
            take(",")
            let other = operand()
            take(")")
            return known ?? other
        case "list_append":
            position += 1
            take("(")
            let first = operand()?.list
            take(",")
            let second = operand()?.list
            take(")")
            guard let first, let second else { fatalError("list_append of what is no list") }
            return .list(first + second)
        case "size":
            position += 1
            take("(")
            let value = value(at: path())
            take(")")
            let parts = value?.list?.count ?? value?.map?.count
            return (parts ?? value?.bytes?.count ?? value?.text?.count)
                .map { .number(Int64($0)) }
        default: return value(at: path())
        }
    }

    // MARK: Conditions

    private mutating func disjunction() -> Bool {
        var result = conjunction()
        while skip("OR") {
            let other = conjunction()
            result = result || other
        }
        return result
    }

    private mutating func conjunction() -> Bool {
        var result = term()
        while skip("AND") {
            let other = term()
            result = result && other
        }
        return result
    }

    private mutating func term() -> Bool {
        if skip("(") {
            let result = disjunction()
            take(")")
            return result
        }
        if next == "attribute_exists" || next == "attribute_not_exists" {
            let isWanted = take() == "attribute_exists"
            take("(")
            let exists = value(at: path()) != nil
            take(")")
            return exists == isWanted
        }
        if skip("begins_with") {
            take("(")
            let text = value(at: path())?.text
            take(",")
            let start = operand()?.text
            take(")")
            guard let text, let start else { return false }
            return text.hasPrefix(start)
        }
        let left = operand()
        let comparison = take()
        let right = operand()
        guard let left, let right else { return false }
        guard comparison != "=" else { return left == right }
        guard let one = left.number, let other = right.number else {
            fatalError("\(comparison) of what is no number")
        }
        switch comparison {
        case "<": return one < other
        case "<=": return one <= other
        case ">": return one > other
        case ">=": return one >= other
        default: fatalError("no such comparison: \(comparison)")
        }
    }

    // MARK: Updates

    private mutating func update() -> Item {
        var sets: [(path: [Step], value: ItemValue)] = []
        var removes: [[Step]] = []
        while let clause = next {
            position += 1
            repeat {
                let path = path()
                if clause == "SET" {
                    take("=")
                    sets.append((path, sum()))
                } else {
                    precondition(clause == "REMOVE", "no such clause: \(clause)")
                    removes.append(path)
                }
            } while skip(",")
        }
        let paths = sets.map(\.path) + removes
        for (index, one) in paths.enumerated() {
            for other in paths[(index + 1)...] {
                precondition(!one.starts(with: other) && !other.starts(with: one), "overlap")
            }
        }
        var result = ItemValue.map(item)
        for (path, value) in sets { result = Self.setting(result, path[...], to: value) }
        // From the back, since indexes are those of before.
        for path in removes.reversed() { result = Self.setting(result, path[...], to: nil) }
        return result.map ?? [:]
    }

    private mutating func sum() -> ItemValue {
        guard let first = operand() else { fatalError("SET to what is not there") }
        guard next == "+" || next == "-" else { return first }
        let isSum = take() == "+"
        guard let one = first.number, let other = operand()?.number else {
            fatalError("a sum of what is no number")
        }
        return .number(isSum ? one + other : one - other)
    }

    private static func setting(
        _ value: ItemValue, _ path: ArraySlice<Step>, to new: ItemValue?
    ) -> ItemValue {
        guard let step = path.first else { fatalError("an empty path") }
        switch (step, value) {
        case (.name(let name), .map(var map)):
            if path.count == 1 {
                map[name] = new
            } else {
                guard let inner = map[name] else { fatalError("there is no \(name)") }
                map[name] = setting(inner, path.dropFirst(), to: new)
            }
            return .map(map)
        case (.index(let index), .list(var list)):
            precondition(path.count == 1 && new == nil, "lists are only removed from")
            if index < list.count { list.remove(at: index) }
            return .list(list)
        default: fatalError("a path leads nowhere")
        }
    }
}
