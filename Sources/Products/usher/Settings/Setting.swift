/// Everything that `usher serve` can be told. The raw value is the flag's name without its dashes,
/// the member's name in the configuration file, and, upper-cased behind `USHER_`, the variable's.
enum Setting: String, CaseIterable, Sendable {
    case data, keys, listen, `operator`, issuer, audience, demo
    case operatorHost = "operator-host"
    case keysGroupAccess = "keys-group-access"
    case demoPublic = "demo-public"
    case clientRegistration = "client-registration"
    case edgeCookie = "edge-cookie"
    case queryToken = "query-token"
    case signingAlgorithm = "signing-algorithm"
    case keyPublishSeconds = "key-publish-seconds"
    case signalPath = "signal-path"
    case maxMessageBytes = "max-message-bytes"
    case maxRooms = "max-rooms"
    case maxMembers = "max-members"
    case maxOutboundBytes = "max-outbound-bytes"
    case maxOutboundBytesPerClient = "max-outbound-bytes-per-client"
    case maxOutboundBytesInAll = "max-outbound-bytes-in-all"
    case messagesPerSecond = "messages-per-second"
    case messageBurst = "message-burst"
    case maxConnections = "max-connections"
    case maxConnectionsPerAddress = "max-connections-per-address"
    case maxConnectionsPerClient = "max-connections-per-client"
    case maxConnectionsPerSubject = "max-connections-per-subject"
    case connectionsPerSecond = "connections-per-second"
    case connectionBurst = "connection-burst"
    case maxConnectionAgeSeconds = "max-connection-age-seconds"
    case maxV1ConnectionAgeSeconds = "max-v1-connection-age-seconds"
    case firstMessageSeconds = "first-message-seconds"
    case resumeGraceSeconds = "resume-grace-seconds"
    case resumeEvents = "resume-events"
    case resumeBytes = "resume-bytes"
    case pingIntervalSeconds = "ping-interval-seconds"
    case tokenRequestsPerSecond = "token-requests-per-second"
    case addressRequestsPerSecond = "address-requests-per-second"
    case drainSeconds = "drain-seconds"
    case requestSeconds = "request-seconds"
    case keepaliveSeconds = "keepalive-seconds"
    case headerBytes = "header-bytes"
    case maxHTTPConnections = "max-http-connections"
    case maxHTTPConnectionsPerAddress = "max-http-connections-per-address"
    case edgeListen = "edge-listen"
    case stunServer = "stun-server"
    case turnServer = "turn-server"
    case turnSecretFile = "turn-secret-file"
    case turnCredentialSeconds = "turn-credential-seconds"
    case tlsCertificate = "tls-cert"
    case tlsKey = "tls-key"
    case trustedProxy = "trusted-proxy"
    case allowPlainHTTP = "allow-plain-http"
    case logLevel = "log-level"
    case logFormat = "log-format"

    var flag: String { "--" + rawValue }

    var variable: String {
        "USHER_" + rawValue.uppercased().replacing("-", with: "_")
    }

    /// May be given several times as a flag, and as a list in the file.
    var isList: Bool { [.trustedProxy, .stunServer, .turnServer, .operatorHost].contains(self) }
}

/// A setting whose value is not what it must be. Nothing starts.
struct SettingError: Error, Equatable, CustomStringConvertible {
    /// Where it was set: `--max-rooms`, `USHER_MAX_ROOMS`, or `"max-rooms" in usher.json`.
    let place: String
    let value: String
    let expected: String

    var description: String { "\(place) is \"\(value)\": expected \(expected)" }
}
