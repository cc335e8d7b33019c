/// Text as editors save it.
enum TextFile {
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// Without the byte order mark that some editors, and PowerShell, put before UTF-8. No format
    /// that is read here has it: JSON (RFC 8259 §8.1), PEM, a secret.
    static func withoutMark(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        dropMark(from: &bytes)
        return bytes
    }

    /// The same in place, for a secret of which there shall be no copy.
    static func dropMark(from bytes: inout [UInt8]) {
        if bytes.starts(with: byteOrderMark) { bytes.removeFirst(byteOrderMark.count) }
    }
}
