package import Bytes
import Tokens

/// Grammar that registration and token requests share.
package enum TextRules {
    /// Names and subjects: 1 to this many bytes of UTF-8.
    package static let bytesMax = 256

    /// Whether `text` may be shown to people or stand in a claim: 1 to 256 bytes, no control
    /// characters (C0, DEL, C1, line and paragraph separators, directional overrides).
    package static func isLabel(_ text: ByteText) -> Bool {
        let count = text.count
        guard count >= 1, count <= bytesMax else { return false }
        for byte in text.utf8 where byte < 0x20 || byte >= 0x7F {
            return !text.string.unicodeScalars.contains(where: isControl)
        }
        return true
    }

    /// Whether `text` may be granted as a scope: of the grammar of RFC 6749 §3.3, at most 64 bytes.
    package static func isScope(_ text: ByteText) -> Bool {
        text.count <= 64 && Scope.isToken(text.string)
    }

    /// `text` as it may be shown or kept: control characters replaced, and cut with a `…` where it
    /// is longer than `bytesMax` bytes of UTF-8.
    package static func printable(_ text: String, bytesMax: Int) -> String {
        var kept = String.UnicodeScalarView()
        var room = bytesMax
        for scalar in text.unicodeScalars where room >= 0 {
            kept.append(isControl(scalar) ? "\u{FFFD}" : scalar)
            room -= kept.last.map { UTF8.width($0) } ?? 0
        }
        guard room < 0 else { return String(kept) }
        while room < ellipsis.utf8.count, let last = kept.popLast() { room += UTF8.width(last) }
        return String(kept) + ellipsis
    }

    private static let ellipsis = "…"

    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x2028...0x2029, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
