/// The URL of a STUN (RFC 7064) or TURN (RFC 7065) server.
package struct ICEServerURL: Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable { case stun, turn }

    package let kind: Kind
    package let description: String

    private static let hostBytesMax = 255

    /// `stun:HOST[:PORT]`, `stuns:`, `turn:HOST[:PORT][?transport=udp|tcp]` or `turns:`; nil for
    /// anything else. HOST is a DNS name in ASCII, an IPv4 address, or an IPv6 one in brackets.
    package init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let kind: Kind
        switch text[..<colon] {
        case "stun", "stuns": kind = .stun
        case "turn", "turns": kind = .turn
        default: return nil
        }
        let parts = text[text.index(after: colon)...]
            .split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            guard kind == .turn, ["transport=udp", "transport=tcp"].contains(parts[1]) else {
                return nil
            }
        }
        guard Self.isAuthority(parts[0]) else { return nil }
        self.kind = kind
        description = text
    }

    private static func isAuthority(_ text: Substring) -> Bool {
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return false }
            let address = text[text.index(after: text.startIndex)..<end].utf8
            let isAddress =
                address.count >= 2 && address.allSatisfy { isHexDigit($0) || $0 == 0x3A }
            return isAddress && address.contains(0x3A) && isPort(text[text.index(after: end)...])
        }
        let end = text.firstIndex(of: ":") ?? text.endIndex
        let host = text[..<end].utf8
        return !host.isEmpty && host.count <= hostBytesMax && host.allSatisfy(isHostByte)
            && isPort(text[end...])
    }

    /// Nothing, or a colon and a port.
    private static func isPort(_ text: Substring) -> Bool {
        guard !text.isEmpty else { return true }
        guard text.first == ":", let port = UInt16(text.dropFirst()) else { return false }
        return port > 0 && text.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
