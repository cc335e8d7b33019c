internal import Bytes

/// The member names of an object and of the object inside it that is being read: known ones by
/// their numbers, others, where they are in a set, by their hash, whose seed nobody outside knows.
struct SeenNames: Sendable {
    /// Up to so many names of at most so many bytes, a set costs more than it spares.
    static let plainCountMax = 16
    static let plainBytesMax = 32

    private var outer: Set<ByteText> = []
    private var inner: Set<ByteText> = []
    private(set) var isSetInUse = false
    private var knownOuter = KnownNames()
    private var knownInner = KnownNames()

    /// A bit for each of 256 numbers.
    private struct KnownNames: Sendable {
        private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

        @inline(__always)
        mutating func insert(_ number: UInt8) -> Bool {
            let bit: UInt64 = 1 &<< UInt64(number & 63)
            switch number >> 6 {
            case 0: return Self.set(bit, &words.0)
            case 1: return Self.set(bit, &words.1)
            case 2: return Self.set(bit, &words.2)
            default: return Self.set(bit, &words.3)
            }
        }

        @inline(__always)
        private static func set(_ bit: UInt64, _ word: inout UInt64) -> Bool {
            defer { word |= bit }
            return word & bit == 0
        }
    }

    mutating func removeAll() {
        knownOuter = KnownNames()
        knownInner = KnownNames()
        guard isSetInUse else { return }
        isSetInUse = false
        outer.removeAll()
        inner.removeAll()
    }

    /// Another inner object begins.
    mutating func enterInner() {
        knownInner = KnownNames()
        guard isSetInUse else { return }
        inner.removeAll(keepingCapacity: true)
    }

    /// Takes a name by its number.
    ///
    /// - Returns: Whether it is new.
    @inline(__always)
    mutating func insert(_ known: UInt8, isInner: Bool) -> Bool {
        isInner ? knownInner.insert(known) : knownOuter.insert(known)
    }

    /// Takes the name between the quotes of `range`, whose escapes the lexer has found to be good.
    ///
    /// - Returns: Whether it is new.
    mutating func insert(_ bytes: Span<UInt8>, _ range: Range<Int>, isInner: Bool) -> Bool {
        isSetInUse = true
        guard let name = JSONText.unquote(bytes, range) else { return true }
        return isInner ? inner.insert(name).inserted : outer.insert(name).inserted
    }
}
