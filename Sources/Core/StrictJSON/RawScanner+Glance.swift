internal import Bytes

// What is refused should be told by its name. A text that breaks a rule of ours (a lone surrogate,
// a doubled name, too deep, too many members) keeps, as a rule, its strings and brackets.
extension RawScanner {
    /// A second, lenient look at a text that `scan` has refused: records those outermost members of
    /// the known names that can be told without doubt, which takes the time of the text's length.
    ///
    /// Recorded are strings and numbers that are good by themselves, under names that stand there
    /// once; nothing where the text is not one object, whole in its strings and brackets.
    package mutating func glance(_ bytes: Span<UInt8>) {
        members.removeAll(keepingCapacity: true)
        var outline = Outline()
        var plain: [UInt8] = []
        var counts = [Int](repeating: 0, count: 256)
        let isWhole = outline.read(bytes) { name, value in
            let known = known(bytes, name, &plain)
            guard known > 0 else { return }
            counts[Int(known)] += 1
            guard counts[Int(known)] == 1, let (kind, isEscaped) = Self.kind(of: bytes, value)
            else { return }
            members.append(
                RawMember(
                    parent: -1, name: name, value: value, nameStart: bytes.firstWord(of: name),
                    known: known, nameIsEscaped: false, valueIsEscaped: isEscaped, kind: kind))
        }
        members.removeAll { !isWhole || counts[Int($0.known)] > 1 }
    }

    private func known(
        _ bytes: Span<UInt8>, _ name: Range<Int>, _ plain: inout [UInt8]
    ) -> UInt8 {
        // In its longest form, each byte of a short name is six.
        guard name.count <= ShortText.bytesMax * 6 else { return 0 }
        plain.removeAll(keepingCapacity: true)
        guard JSONText.unquote(bytes.extracting(name), into: &plain) else { return 0 }
        return names.number(of: plain.span, plain.indices)
    }

    /// The kind of a string or number, and whether it holds a backslash; nil for all else, and for
    /// what is neither when read strictly.
    private static func kind(of bytes: Span<UInt8>, _ value: Range<Int>) -> (Kind, Bool)? {
        guard let first = value.first else { return nil }
        var lexer = JSONLexer()
        lexer.position = value.lowerBound
        if bytes[first] == UInt8(ascii: "\"") {
            guard let string = try? lexer.quotedString(bytes), lexer.position == value.upperBound
            else { return nil }
            return (.string, string.isEscaped)
        }
        guard (try? lexer.number(bytes)) != nil, lexer.position == value.upperBound else {
            return nil
        }
        return (.number, false)
    }
}

/// An object's outermost members by its strings and brackets alone. Which bracket closes which is
/// not looked at, so that no depth costs anything.
private struct Outline {
    private var at = 0

    /// Calls `take` with the content of each name, and the value.
    ///
    /// - Returns: Whether the text is one object to its end.
    mutating func read(
        _ bytes: Span<UInt8>, _ take: (_ name: Range<Int>, _ value: Range<Int>) -> Void
    ) -> Bool {
        guard isNext("{", bytes) else { return false }
        if isNext("}", bytes) { return isAtEnd(bytes) }
        repeat {
            skipSpace(bytes)
            let name = at
            guard skipString(bytes) else { return false }
            let content = name &+ 1..<at &- 1
            guard isNext(":", bytes) else { return false }
            skipSpace(bytes)
            let value = at
            guard skipValue(bytes), at > value else { return false }
            take(content, value..<at)
        } while isNext(",", bytes)
        return isNext("}", bytes) && isAtEnd(bytes)
    }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while at < bytes.count, bytes[at] <= 0x20 { at &+= 1 }
    }

    private mutating func isAtEnd(_ bytes: Span<UInt8>) -> Bool {
        skipSpace(bytes)
        return at == bytes.count
    }

    /// Passes over this byte if it is the next one that is not white space.
    private mutating func isNext(_ wanted: Unicode.Scalar, _ bytes: Span<UInt8>) -> Bool {
        skipSpace(bytes)
        guard at < bytes.count, bytes[at] == UInt8(ascii: wanted) else { return false }
        at &+= 1
        return true
    }

    /// False where no string begins, or none ends.
    private mutating func skipString(_ bytes: Span<UInt8>) -> Bool {
        guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { return false }
        at &+= 1
        while at < bytes.count {
            let byte = bytes[at]
            at &+= byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return true }
        }
        return false
    }

    private mutating func skipValue(_ bytes: Span<UInt8>) -> Bool {
        var depth = 0
        let start = at
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                if depth == 0, at > start { return true }
                guard skipString(bytes) else { return false }
                if depth == 0 { return true }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if depth == 0, at > start { return true }
                depth &+= 1
                at &+= 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return true }
                depth &-= 1
                at &+= 1
                if depth == 0 { return true }
            case UInt8(ascii: ","), 0...0x20:
                if depth == 0 { return true }
                at &+= 1
            default: at &+= 1
            }
        }
        return false
    }
}
