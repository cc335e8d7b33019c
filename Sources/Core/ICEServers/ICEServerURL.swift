package import Bytes

/// The URL of a STUN (RFC 7064) or TURN (RFC 7065) server.
package struct ICEServerURL: Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable { case stun, turn }

    package let kind: Kind
    package let text: ByteText

    private static let hostBytesMax = 255

    /// `stun:HOST[:PORT]`, `stuns:`, `turn:HOST[:PORT][?transport=udp|tcp]` or `turns:`; nil for
    /// anything else. HOST is a DNS name in ASCII, an IPv4 address, or an IPv6 one in brackets.
    package init?(_ text: ByteText) {
        let bytes = text.utf8
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let kind: Kind
        switch ByteText(Substring(bytes[..<colon])) {
        case "stun", "stuns": kind = .stun
        case "turn", "turns": kind = .turn
        default: return nil
        }
        let parts = bytes[bytes.index(after: colon)...]
            .split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            guard kind == .turn else { return nil }
            switch ByteText(Substring(parts[1])) {
            case "transport=udp", "transport=tcp": break
            default: return nil
            }
        }
        guard Self.isAuthority(parts[0]) else { return nil }
        self.kind = kind
        self.text = text
    }

    package var description: String { text.string }

    private static func isAuthority(_ text: Substring.UTF8View) -> Bool {
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let address = text[..<end].dropFirst()
            let isAddress =
                address.count >= 2 && address.allSatisfy { isHexDigit($0) || $0 == 0x3A }
            return isAddress && address.contains(0x3A) && isPort(text[text.index(after: end)...])
        }
        let end = text.firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
        let host = text[..<end]
        return !host.isEmpty && host.count <= hostBytesMax && host.allSatisfy(isHostByte)
            && isPort(text[end...])
    }

    /// Nothing, or a colon and a port.
    private static func isPort(_ text: Substring.UTF8View) -> Bool {
        guard !text.isEmpty else { return true }
        let digits = text.dropFirst()
        guard text.first == UInt8(ascii: ":"), (1...5).contains(digits.count),
            digits.allSatisfy(\.isASCIIDigit),
            let port = UInt16(Substring(digits))
        else { return false }
        return port > 0
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        byte.isASCIILetterOrDigit || "-.".utf8.contains(byte)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        byte.isASCIIDigit || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66 || byte == 0x2E
    }
}
