/// The header of one frame from a client (RFC 6455 §5.2).
package struct FrameHeader: Equatable, Sendable {
    package enum Opcode: UInt8, Sendable {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        package var isControl: Bool { rawValue >= 8 }
    }

    package let opcode: Opcode
    /// False for every fragment of a message but the last.
    package let isFinal: Bool
    /// Byte `i` of the payload is masked with bits `8 * (i % 4)` and up (§5.3).
    package let mask: UInt32
    /// Bytes of this header, 6 to 14.
    package let headerLength: Int
    package let payloadLength: Int

    package var totalLength: Int { headerLength + payloadLength }

    /// Bytes of payload that any control frame may have (§5.5).
    package static let controlPayloadMax = 125

    /// Reads the header at the start of `bytes`.
    ///
    /// Refuses at the first byte that breaks a rule, without waiting for the rest: reserved bits
    /// and opcodes (§5.2), unmasked frames (§5.1), control frames that are long or fragmented
    /// (§5.5), lengths that don't take their shortest form (§5.2).
    ///
    /// - Parameters:
    ///   - bytes: What has come so far, from a frame's first byte on.
    ///   - payloadMax: The payload that a data frame may have, in bytes; more is `messageTooBig`.
    /// - Returns: The header, or nil while it is incomplete.
    /// - Throws: `WebSocketError`: the rule that was broken.
    package static func parse(
        _ bytes: Span<UInt8>, payloadMax: Int = Int.max
    ) throws(WebSocketError) -> FrameHeader? {
        guard bytes.count > 0 else { return nil }
        let first = bytes[0]
        let opcode = try opcode(of: first)
        guard bytes.count > 1 else { return nil }
        let second = bytes[1]
        guard second & 0x80 != 0 else { throw WebSocketError(.unmasked) }
        let short = Int(second & 0x7f)
        guard !opcode.isControl || short <= controlPayloadMax else {
            throw WebSocketError(.controlTooLong)
        }
        guard let (length, at) = try length(bytes, short: short) else { return nil }
        // Above that, `totalLength` would not fit.
        let most = min(payloadMax, Int.max - 14)
        guard opcode.isControl || length <= most else { throw WebSocketError(.messageTooBig) }
        guard bytes.count >= at + 4 else { return nil }
        let mask =
            UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16
            | UInt32(bytes[at + 3]) << 24
        return FrameHeader(
            opcode: opcode, isFinal: first & 0x80 != 0, mask: mask, headerLength: at + 4,
            payloadLength: length)
    }

    private static func opcode(of first: UInt8) throws(WebSocketError) -> Opcode {
        guard first & 0x70 == 0 else { throw WebSocketError(.reservedBits) }
        guard let opcode = Opcode(rawValue: first & 0x0f) else {
            throw WebSocketError(.reservedOpcode)
        }
        guard !opcode.isControl || first & 0x80 != 0 else {
            throw WebSocketError(.controlFragmented)
        }
        return opcode
    }

    /// The payload's length and where the mask starts, or nil while that is incomplete.
    private static func length(
        _ bytes: Span<UInt8>, short: Int
    ) throws(WebSocketError) -> (length: Int, end: Int)? {
        switch short {
        case 126:
            guard bytes.count >= 4 else { return nil }
            let length = Int(bytes[2]) << 8 | Int(bytes[3])
            guard length >= 126 else { throw WebSocketError(.lengthNotMinimal) }
            return (length, 4)
        case 127:
            guard bytes.count >= 10 else { return nil }
            guard bytes[2] & 0x80 == 0 else { throw WebSocketError(.lengthTooLarge) }
            var length = 0
            for index in 2..<10 { length = length << 8 | Int(bytes[index]) }
            guard length > 0xffff else { throw WebSocketError(.lengthNotMinimal) }
            return (length, 10)
        default:
            return (short, 2)
        }
    }
}

/// Which data frames may follow which: the rules of fragmentation (RFC 6455 §5.4).
package struct FragmentOrder: Equatable, Sendable {
    /// Whether a message has begun and not ended.
    package private(set) var isInMessage = false
    /// Whether the message that was accepted last is binary; its fragments don't say.
    package private(set) var isBinary = false

    package init() {}

    /// Checks one data frame; control frames may come in between and are none of its business.
    package mutating func accept(_ header: FrameHeader) throws(WebSocketError) {
        switch header.opcode {
        case .continuation:
            guard isInMessage else { throw WebSocketError(.continuationWithoutStart) }
        case .text, .binary:
            guard !isInMessage else { throw WebSocketError(.messageUnfinished) }
            isBinary = header.opcode == .binary
        case .close, .ping, .pong:
            return
        }
        isInMessage = !header.isFinal
    }
}
