/// A rule of the protocol that the peer broke, and the close code that says so.
package struct WebSocketError: Error, Equatable, Sendable {
    /// Stable across releases: for logs and counters.
    package enum Rule: String, Sendable {
        case reservedBits = "reserved_bits"
        case reservedOpcode = "reserved_opcode"
        case unmasked = "unmasked"
        case lengthNotMinimal = "length_not_minimal"
        case lengthTooLarge = "length_too_large"
        case controlFragmented = "control_fragmented"
        case controlTooLong = "control_too_long"
        case continuationWithoutStart = "continuation_without_start"
        case messageUnfinished = "message_unfinished"
        case binary = "binary"
        case messageTooBig = "message_too_big"
        case invalidUTF8 = "invalid_utf8"
        case closePayload = "close_payload"
    }

    package let rule: Rule

    package init(_ rule: Rule) { self.rule = rule }

    /// What the close frame carries (RFC 6455 §7.4.1).
    package var closeCode: CloseCode {
        switch rule {
        case .binary: .unsupportedData
        case .messageTooBig: .tooBig
        case .invalidUTF8: .invalidPayload
        case .reservedBits, .reservedOpcode, .unmasked, .lengthNotMinimal, .lengthTooLarge,
            .controlFragmented, .controlTooLong, .continuationWithoutStart, .messageUnfinished,
            .closePayload:
            .protocolError
        }
    }

    /// A sentence for the close frame's reason.
    package var reason: StaticString {
        switch rule {
        case .reservedBits: "reserved bits are set and no extension was agreed on"
        case .reservedOpcode: "reserved opcode"
        case .unmasked: "frames from a client must be masked"
        case .lengthNotMinimal: "a length must take its shortest form"
        case .lengthTooLarge: "a length of more than 63 bits"
        case .controlFragmented: "control frames must not be fragmented"
        case .controlTooLong: "control frames carry 125 bytes at most"
        case .continuationWithoutStart: "continuation without a message to continue"
        case .messageUnfinished: "a new message before the last one had ended"
        case .binary: "only text is spoken here"
        case .messageTooBig: "message over the limit"
        case .invalidUTF8: "text must be UTF-8"
        case .closePayload: "malformed close frame"
        }
    }
}
