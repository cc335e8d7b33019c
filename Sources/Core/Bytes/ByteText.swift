/// Text that others control: compared, ordered and hashed byte by byte.
///
/// `String` compares by canonical equivalence (Unicode UAX #15). That makes two spellings one name,
/// which no name of a protocol is, and takes time that grows with the square of an unsorted run of
/// combining marks. Names, ids, paths and values from outside are of this type, or of one that is
/// made of it; `String` is for text that is shown.
@usableFromInline
package struct ByteText: Sendable {
    /// To be shown or sent, never to be compared.
    @usableFromInline
    package let string: String

    @inlinable
    package init(_ string: String) { self.string = string }

    package init(_ part: Substring) { self.init(String(part)) }

    /// nil where the bytes are no UTF-8.
    package init?(_ bytes: Span<UInt8>) {
        guard let text = try? UTF8Span(validating: bytes) else { return nil }
        self.init(String(copying: text))
    }

    @inlinable
    package var utf8: String.UTF8View { string.utf8 }
    @inlinable
    package var isEmpty: Bool { string.utf8.isEmpty }
    /// In bytes.
    @inlinable
    package var count: Int { string.utf8.count }

    package var isASCII: Bool { utf8.span.isASCII }

    package func hasSuffix(_ suffix: ByteText) -> Bool {
        let (bytes, wanted) = (utf8.span, suffix.utf8.span)
        return bytes.count >= wanted.count && bytes.extracting(last: wanted.count).equals(wanted)
    }

    /// Whether both are the same but for the case of ASCII letters, as in media types, names of
    /// header fields and schemes.
    @inlinable
    package func equalsIgnoringCase(_ other: ByteText) -> Bool {
        count == other.count && utf8.span.equalsIgnoringCase(other.utf8.span)
    }

    package func hasPrefix(_ prefix: ByteText) -> Bool {
        let (bytes, wanted) = (utf8.span, prefix.utf8.span)
        return bytes.count >= wanted.count && bytes.extracting(first: wanted.count).equals(wanted)
    }

    /// Without the first `count` bytes, which end where a character does.
    package func dropFirst(_ count: Int) -> ByteText { ByteText(Substring(utf8.dropFirst(count))) }

    /// The parts between bytes that are `separator`, which is ASCII.
    package func split(
        separator: UInt8, maxSplits: Int = .max, omittingEmptySubsequences: Bool = true
    ) -> [ByteText] {
        utf8.split(
            separator: separator, maxSplits: maxSplits,
            omittingEmptySubsequences: omittingEmptySubsequences
        ).map { ByteText(Substring($0)) }
    }
}

extension ByteText: Hashable, Comparable {
    @inlinable
    package static func == (left: ByteText, right: ByteText) -> Bool {
        left.count == right.count && left.utf8.span.equals(right.utf8.span)
    }

    @usableFromInline
    package func hash(into hasher: inout Hasher) {
        let bytes = utf8.span
        var at = 0
        while at < bytes.count {
            hasher.combine(bytes.firstWord(of: at..<min(at &+ 8, bytes.count)))
            at &+= 8
        }
        // Tells a text from the same one with NULs behind it.
        hasher.combine(bytes.count)
    }

    @usableFromInline
    package static func < (left: ByteText, right: ByteText) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

extension ByteText: ExpressibleByStringInterpolation {
    @inlinable
    package init(stringLiteral value: String) { self.init(value) }
}

extension Sequence<ByteText> {
    /// To be shown or sent.
    package func joined(separator: String) -> String {
        map(\.string).joined(separator: separator)
    }
}

extension CaseIterable where Self: RawRepresentable<String> {
    /// The case that is written so. `init(rawValue:)` compares as `String` does, and is for text of
    /// our own.
    @inlinable
    package init?(named text: ByteText) {
        guard let known = Self.allCases.first(where: { ByteText($0.rawValue) == text }) else {
            return nil
        }
        self = known
    }
}

extension ByteText: CustomStringConvertible {
    @usableFromInline
    package var description: String { string }
}

extension Array where Element: Hashable {
    /// Each element once, where it stands first.
    package func uniqued() -> [Element] {
        guard count > 1 else { return self }
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
