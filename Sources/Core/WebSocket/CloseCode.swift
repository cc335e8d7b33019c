/// Why a WebSocket connection ends, as sent in its close frame (RFC 6455 §7.4; ours from 4000 on).
///
/// 4000–4499 invite the client to reconnect, 4500–4999 are final.
package struct CloseCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let normal = CloseCode(rawValue: 1000)
    /// The server goes away, or the connection reached its maximum age.
    package static let goingAway = CloseCode(rawValue: 1001)
    package static let protocolError = CloseCode(rawValue: 1002)
    /// A binary frame where only text is spoken.
    package static let unsupportedData = CloseCode(rawValue: 1003)
    /// Text that is not UTF-8, or not what the dialect speaks.
    package static let invalidPayload = CloseCode(rawValue: 1007)
    package static let tooBig = CloseCode(rawValue: 1009)
    package static let restarting = CloseCode(rawValue: 1012)
    /// The server is full, or the client reads too slowly and its queue is full.
    package static let overloaded = CloseCode(rawValue: 1013)
    package static let tokenExpired = CloseCode(rawValue: 4401)
    package static let noPong = CloseCode(rawValue: 4408)
    package static let tooFast = CloseCode(rawValue: 4429)
    package static let revoked = CloseCode(rawValue: 4501)
    /// Replaced by a newer connection of the same peer.
    package static let replaced = CloseCode(rawValue: 4509)

    /// Whether a close frame may carry this code (RFC 6455 §7.4.1, §7.4.2).
    ///
    /// 1004 is reserved; 1005, 1006 and 1015 stand for what was never sent; 1016 to 2999 wait for
    /// future revisions of the protocol.
    package var isAllowedInFrames: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
