/// What a close frame carries (RFC 6455 §5.5.1): nothing, or a code and perhaps a reason.
package struct ClosePayload: Equatable, Sendable {
    /// Nil where the payload was empty.
    package let code: UInt16?

    /// The reason's longest form: a control frame's 125 bytes without the code's two.
    package static let reasonBytesMax = FrameHeader.controlPayloadMax - 2

    /// Checks the unmasked payload of a client's close frame.
    ///
    /// One byte alone, a code that must not be sent (§7.4.1), and a reason that is not UTF-8
    /// (§8.1) are errors.
    package init(parsing payload: Span<UInt8>) throws(WebSocketError) {
        guard payload.count > 0 else {
            code = nil
            return
        }
        guard payload.count >= 2 else { throw WebSocketError(.closePayload) }
        let sent = CloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
        guard sent.isAllowedInFrames else { throw WebSocketError(.closePayload) }
        var text = UTF8Validator()
        guard text.accept(payload.extracting(2...)), text.isComplete else {
            throw WebSocketError(.invalidUTF8)
        }
        code = sent.rawValue
    }

    /// The payload of a close frame of ours; a reason over `reasonBytesMax` is left out.
    package static func bytes(_ code: CloseCode, reason: Span<UInt8>) -> [UInt8] {
        var bytes = [UInt8(truncatingIfNeeded: code.rawValue >> 8), UInt8(code.rawValue & 0xff)]
        guard reason.count <= reasonBytesMax else { return bytes }
        for index in reason.indices { bytes.append(reason[index]) }
        return bytes
    }
}
