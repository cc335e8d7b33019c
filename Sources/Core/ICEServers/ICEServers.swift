import Bytes
package import Identifiers
internal import StrictJSON

/// The STUN and TURN servers of a deployment, and what each peer is told of them.
///
/// TURN credentials are those of the TURN REST API (draft-uberti-behave-turn-rest-00), which
/// coturn's `use-auth-secret` checks: the user name is `EXPIRY:SUBJECT`, the password base64 of
/// HMAC-SHA-1 over it. The TURN server knows nobody; it shares the secret with us.
package struct ICEServers: Equatable, Sendable {
    package static let lifetimeSecondsRange: ClosedRange<Int64> = 10...86_400

    private let stun: [ICEServerURL]
    private let turn: [ICEServerURL]
    private let lifetimeSeconds: Int64

    /// What one peer is told.
    package struct Offer: Equatable, Sendable {
        /// A JSON array of RTCIceServer (W3C WebRTC §4.2.4).
        package let json: String
        /// When its credentials end, in seconds since the Unix epoch; nil where nothing does.
        package let expiresAt: Int64?

        package init(json: String, expiresAt: Int64?) {
            self.json = json
            self.expiresAt = expiresAt
        }

        package static let none = Offer(json: "[]", expiresAt: nil)
    }

    /// - Parameters:
    ///   - urls: In the order in which peers are told of them.
    ///   - lifetimeSeconds: How long credentials are good, 10 to 86,400.
    package init(_ urls: [ICEServerURL], lifetimeSeconds: Int64) {
        precondition(
            Self.lifetimeSecondsRange.contains(lifetimeSeconds),
            "TURN credentials are good for 10 to 86,400 seconds")
        stun = urls.filter { $0.kind == .stun }
        turn = urls.filter { $0.kind == .turn }
        self.lifetimeSeconds = lifetimeSeconds
    }

    package var isEmpty: Bool { stun.isEmpty && turn.isEmpty }

    /// What the holder of a token with this `sub` is told.
    ///
    /// - Parameters:
    ///   - subject: The `sub`.
    ///   - now: In seconds since the Unix epoch.
    ///   - mac: HMAC-SHA-1 with the secret shared with the TURN servers, as base64 with padding
    ///     (RFC 4648 §4).
    /// - Returns: The servers, with credentials that begin to count now.
    package func offer(
        to subject: Subject, now: Int64, mac: (_ userName: [UInt8]) -> String
    ) -> Offer {
        guard !isEmpty else { return .none }
        var servers: [JSONValue] = []
        if !stun.isEmpty { servers.append(["urls": Self.list(stun)]) }
        guard !turn.isEmpty else { return Self.offer(servers, expiresAt: nil) }
        let expiresAt = now + lifetimeSeconds
        let userName = "\(expiresAt):\(subject.string)"
        servers.append([
            "urls": Self.list(turn), "username": .string(userName),
            "credential": .string(mac(Array(userName.utf8))),
        ])
        return Self.offer(servers, expiresAt: expiresAt)
    }

    private static func list(_ urls: [ICEServerURL]) -> JSONValue {
        .array(urls.map { .string($0.description) })
    }

    private static func offer(_ servers: [JSONValue], expiresAt: Int64?) -> Offer {
        let json = JSONValue.array(servers).serialized()
        return Offer(json: String(decoding: json, as: UTF8.self), expiresAt: expiresAt)
    }
}
