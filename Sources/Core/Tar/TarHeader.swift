package import Bytes

/// The head of one member of a tar archive in the ustar form (IEEE Std 1003.1, `pax`): 512 bytes,
/// which the member's bytes follow, filled up to whole blocks.
///
/// What is written any `tar` reads. What is read must be as it is written here, to the last byte:
/// no links, no devices, no owners, no extensions.
package struct TarHeader: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        case file = 0x30  // "0"
        case folder = 0x35  // "5"
    }

    package static let blockBytes = 512
    /// Eleven octal digits.
    package static let sizeMax: Int64 = 0o77_777_777_777
    private static let nameBytesMax = 99

    /// Printable ASCII; that of a folder ends with a slash.
    package let name: ByteText
    package let kind: Kind
    /// Permissions, such as 0o600.
    package let mode: UInt16
    /// Bytes that follow, without those that fill up the last block.
    package let size: Int64
    /// Seconds since the Unix epoch.
    package let modifiedAt: Int64

    /// nil where the form has no room for one of the values.
    package init?(
        name: ByteText, kind: Kind, mode: UInt16, size: Int64, modifiedAt: Int64
    ) {
        guard (1...Self.nameBytesMax).contains(name.count),
            name.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), mode <= 0o7777,
            (0...Self.sizeMax).contains(size), (0...Self.sizeMax).contains(modifiedAt),
            kind == .file || size == 0
        else { return nil }
        self.name = name
        self.kind = kind
        self.mode = mode
        self.size = size
        self.modifiedAt = modifiedAt
    }

    /// Bytes of zero behind a member of `size` bytes.
    package static func padding(after size: Int64) -> Int {
        let rest = Int(size % Int64(blockBytes))
        return rest == 0 ? 0 : blockBytes - rest
    }

    // MARK: The block

    private enum Field {
        static let name = 0..<100
        static let mode = 100..<108
        static let owner = 108..<116
        static let group = 116..<124
        static let size = 124..<136
        static let modifiedAt = 136..<148
        static let checksum = 148..<156
        static let kind = 156
        /// `ustar`, NUL, and the version `00`.
        static let magic = 257..<265
    }

    package var block: [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.blockBytes)
        func put(_ bytes: some Sequence<UInt8>, at start: Int) {
            for (offset, byte) in bytes.enumerated() { block[start + offset] = byte }
        }
        func put(_ number: Int64, _ field: Range<Int>) {
            let digits = String(number, radix: 8)
            let zeros = String(repeating: "0", count: max(0, field.count - 1 - digits.utf8.count))
            put((zeros + digits).utf8, at: field.lowerBound)
        }
        put(name.utf8, at: Field.name.lowerBound)
        put(Int64(mode), Field.mode)
        put(0, Field.owner)
        put(0, Field.group)
        put(size, Field.size)
        put(modifiedAt, Field.modifiedAt)
        block[Field.kind] = kind.rawValue
        put("ustar\0".utf8, at: Field.magic.lowerBound)
        put("00".utf8, at: Field.magic.lowerBound + 6)
        // The sum is taken with spaces in its own place.
        put([UInt8](repeating: 0x20, count: Field.checksum.count), at: Field.checksum.lowerBound)
        let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        let zeros = String(repeating: "0", count: max(0, 6 - sum.utf8.count))
        put((zeros + sum).utf8 + [0, 0x20], at: Field.checksum.lowerBound)
        return block
    }

    /// Reads a block; nil for one that is not exactly as `block` makes it.
    package init?(_ block: [UInt8]) {
        guard block.count == Self.blockBytes, let kind = Kind(rawValue: block[Field.kind]),
            let name = ByteText(Array(block[Field.name].prefix { $0 != 0 }).span),
            let mode = Self.number(block[Field.mode]).flatMap({ UInt16(exactly: $0) }),
            let size = Self.number(block[Field.size]),
            let modifiedAt = Self.number(block[Field.modifiedAt])
        else { return nil }
        self.init(name: name, kind: kind, mode: mode, size: size, modifiedAt: modifiedAt)
        guard self.block == block else { return nil }
    }

    private static func number(_ field: ArraySlice<UInt8>) -> Int64? {
        field.dropLast().reduce(into: Int64?(0)) { number, byte in
            guard (0x30...0x37).contains(byte) else { return number = nil }
            number = number.map { $0 * 8 + Int64(byte - 0x30) }
        }
    }
}
