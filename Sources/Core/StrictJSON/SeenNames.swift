internal import Bytes

/// The member names of an object and of the object inside it that is being read, found again by
/// their hash, whose seed nobody outside knows.
struct SeenNames: Sendable {
    /// Up to so many names of at most so many bytes, a set costs more than it spares.
    static let plainCountMax = 16
    static let plainBytesMax = 32

    private var outer: Set<ByteText> = []
    private var inner: Set<ByteText> = []
    private(set) var isInUse = false

    mutating func removeAll() {
        guard isInUse else { return }
        isInUse = false
        outer.removeAll(keepingCapacity: true)
        inner.removeAll(keepingCapacity: true)
    }

    /// Another inner object begins.
    mutating func enterInner() {
        guard isInUse else { return }
        inner.removeAll(keepingCapacity: true)
    }

    /// Takes the name between the quotes of `range`, whose escapes the lexer has found to be good.
    ///
    /// - Returns: Whether it is new.
    mutating func insert(_ bytes: Span<UInt8>, _ range: Range<Int>, isInner: Bool) -> Bool {
        isInUse = true
        guard let name = JSONText.unquote(bytes, range) else { return true }
        return isInner ? inner.insert(name).inserted : outer.insert(name).inserted
    }
}
