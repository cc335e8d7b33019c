internal import Signalling
internal import Synchronization

/// What the handlers of all loops share.
final class RelayCommons: Sendable {
    let configuration: SignalConfiguration
    let ports: SignalPorts
    let rooms: Rooms
    let sessions = SessionDirectory()
    let figures = PublishedFigures()
    /// Bytes kept for clients that are away, all together.
    let bytesAway = Atomic(0)

    init(_ configuration: SignalConfiguration, _ ports: SignalPorts) {
        self.configuration = configuration
        self.ports = ports
        rooms = Rooms(limits: configuration.roomLimits)
    }

    var monotonicSeconds: UInt32 {
        UInt32(truncatingIfNeeded: ports.monotonicMilliseconds() / 1000)
    }

    /// Whether a connection with this token may go on.
    func allows(_ token: RevocableToken) -> Bool {
        allows(token, of: ports.client(token.clientID))
    }

    /// The same where the token's client was looked up before.
    func allows(_ token: RevocableToken, of client: SignalClient?) -> Bool {
        guard let client, client.isEnabled else { return false }
        // A legacy token is worth what the secret is under which it was verified.
        if let digest = token.legacySecretDigest, digest != client.legacySecretDigest {
            return false
        }
        return !ports.isRevoked(token)
    }
}
