import Admission
import Bytes
import Edge
import HTTPMessages
import ICEServers
import Logging
import SocketLoop

// Everything that `usher serve` can be told, in the order of its help. A setting stands here, where
// it is used, and in docs/configuration.md, which a test holds against this.

enum SettingTable {
    static let all =
        PlaceSettings.all + AccessSettings.all + ICESettings.all + ClusterSettings.all
        + LimitSettings.all
    static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}

private let upToAMillion = 0...1_000_000
private let upToAYear = 0...31_536_000
private let usualCookie = "__Host-usher_session"
private let sockets = SocketLimits()
private let turnSeconds = ICEServers.lifetimeSecondsRange

struct PlaceSettings: SettingSection {
    let data = Setting.text(
        "data", default: "~/.local/share/usher",
        "Folder of the registry, and of what is this host's own.")
    let registry = Setting.text(
        "registry", default: "DATA/usher.sqlite",
        "PostgreSQL database of the registry: a URL, service=NAME, or a file with either.")
    let keys = Setting.text("keys", default: "DATA/keys", "Folder of the signing keys.")
    let masterKeyFile = Setting.text(
        "master-key-file",
        "File of the master key: the signing keys lie in the registry, sealed under it.")
    let listen = Setting.endpoint(
        "listen", default: "127.0.0.1:8080", "Public ADDRESS:PORT; port 0 picks a free one.")
    let operatorListen = Setting.endpoint(
        "operator", default: "127.0.0.1:9090", "ADDRESS:PORT for health checks.")
    let operatorHosts = Setting.list(
        "operator-host", expected: "a host name without a port, such as usher or metrics.internal",
        "Name by which that port may be asked, beside addresses; may be repeated."
    ) { text -> String? in
        // The port of a Host is no matter of who asks.
        let host = Origin.of(host: ByteText(text))?.host.string
        return host?.utf8.count == text.utf8.count ? host : nil
    }
    let keysGroupAccess = Setting.flag(
        "keys-group-access",
        "Take keys that their group may read, as Kubernetes mounts them with fsGroup.")
    let edgeListen = Setting.endpoint(
        "edge-listen", default: "none", "ADDRESS:PORT for GET /edge/auth, for a proxy elsewhere.")
    let logLevel = Setting.choice(
        "log-level", Logger.Level.info,
        "trace, debug, info, notice, warning, error or critical.")
    let logFormat = Setting.choice(
        "log-format", LogFormat.text, "Log lines for people or programs: text or json.")
}

/// Which port of the process.
typealias PortSetting = KeyPath<PlaceSettings, Setting<Endpoint?>>

struct AccessSettings: SettingSection {
    let issuer = Setting.optional(
        "issuer", default: "the public URL",
        expected: "an https URL without query and fragment "
            + "(http for loopback alone, or with --allow-plain-http)",
        "URL of this service, the iss of its tokens."
    ) { IssuerURL(ByteText($0)) == nil ? nil : $0 }
    let audience = Setting.text("audience", default: "the issuer", "The aud of its tokens.")
    let signingAlgorithm = Setting.choice(
        "signing-algorithm", SigningAlgorithmSetting.es256,
        "ES256, RS256 or EdDSA, for the key made at the first start.")
    let keyPublishSeconds = Setting.number(
        "key-publish-seconds", 1200, in: 1...2_592_000,
        "Seconds that a new key is published before it signs.")
    let edgeCookie = Setting.single(
        "edge-cookie", usualCookie, usualCookie,
        expected: "a cookie name (RFC 6265 §4.1.1)", "Cookie that becomes the bearer token."
    ) { EdgeStep.isCookieName(ByteText($0)) ? $0 : nil }
    let queryToken = Setting.choice(
        "query-token", QueryTokenRule.allow, "Tokens in the query: allow, one-use or deny.")
    let signalPath = Setting.optional(
        "signal-path", default: "every path that is no route",
        expected: "a path that starts with /", "The one path of the relay."
    ) { text in
        let isPath = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && text.hasPrefix("/")
        return isPath && !text.contains("?") && !text.contains("#") ? text : nil
    }
    let tlsCertificate = Setting.text(
        "tls-cert", "File of the TLS certificate and its chain, PEM: https and wss.")
    let tlsKey = Setting.text("tls-key", "File of the certificate's private key, PEM.")
    let trustedProxies = Setting.list(
        "trusted-proxy", expected: "a CIDR range, such as 10.0.0.0/8 or ::1/128",
        "CIDR of a proxy whose X-Forwarded headers count; may be repeated."
    ) { CIDR($0) }
    let allowPlainHTTP = Setting.flag(
        "allow-plain-http", "Take tokens and secrets over plain http.")
    let clientRegistration = Setting.flag(
        "client-registration",
        "Let holders of a token with the scope client:register register clients.")
    let demo = Setting.flag("demo", "Serve a page at /demo/ in which two tabs meet.")
    let demoPublic = Setting.flag("demo-public", "Allow --demo on an address that others reach.")
}

struct ICESettings: SettingSection {
    let stunServers = Setting.iceServers(
        "stun-server", .stun, "stun:stun.example:3478",
        "stun:HOST:PORT that peers are told of; may be repeated.")
    let turnServers = Setting.iceServers(
        "turn-server", .turn, "turn:turn.example:3478?transport=udp",
        "turn:HOST:PORT that peers are told of; may be repeated.")
    let turnSecretFile = Setting.text(
        "turn-secret-file", "File of the secret shared with the TURN servers, one line.")
    let turnCredentialSeconds = Setting.number(
        "turn-credential-seconds", 3600,
        in: Int(turnSeconds.lowerBound)...Int(turnSeconds.upperBound),
        "Seconds that TURN credentials are good.")
}

struct ClusterSettings: SettingSection {
    let cluster = Setting.list(
        "cluster", expected: "nats://HOST:PORT or tls://HOST:PORT, without user and password",
        "NATS servers by which relays are one, with commas between; may be repeated.",
        ClusterPlace.servers)
    let clusterCredentials = Setting.text(
        "cluster-credentials", "File of what NATS wants: user and password, token, nkey or creds.")
    let clusterCA = Setting.text(
        "cluster-ca", default: "the system's", "File of the CA of NATS' certificates, PEM.")
    let clusterName = Setting.single(
        "cluster-name", "usher", "usher",
        expected: "1 to 32 letters, digits, - and _",
        "What this cluster is called; several may share NATS."
    ) { ClusterPlace.isName($0, bytesMax: 32, allowsDots: false) ? $0 : nil }
    let nodeName = Setting.optional(
        "node-name", default: "the host's name", expected: "1 to 64 letters, digits, -, _ and .",
        "What this node is called, as no other of the cluster."
    ) { ClusterPlace.isName($0, bytesMax: 64, allowsDots: true) ? $0 : nil }
    let drainNoticeSeconds = Setting.number(
        "drain-notice-seconds", 5, in: 0...3600,
        "Seconds, at a stop, between 503 at /readyz and giving peers to other nodes.")
}

struct LimitSettings: SettingSection {
    let maxMessageBytes = Setting.number(
        "max-message-bytes", sockets.messageBytesMax,
        in: 0...SocketLimits.messageBytesSupportedMax, "Bytes of one message.")
    let maxRooms = Setting.number("max-rooms", 16, in: upToAMillion, "Rooms of one connection.")
    let maxMembers = Setting.number("max-members", 64, in: upToAMillion, "Members of one room.")
    let maxOutboundBytes = Setting.number(
        "max-outbound-bytes", sockets.outboundBytesMax, in: 0...(1 << 30),
        "Unsent bytes of one connection.")
    let maxOutboundBytesPerClient = Setting.number(
        "max-outbound-bytes-per-client", sockets.outboundBytesPerClientMax, in: 0...(1 << 40),
        "Unsent bytes of one client's connections.")
    let maxOutboundBytesInAll = Setting.number(
        "max-outbound-bytes-in-all", sockets.outboundBytesInAllMax, in: 0...(1 << 40),
        "Unsent bytes of all connections.")
    let messagesPerSecond = Setting.number(
        "messages-per-second", sockets.messagesPerSecond, in: upToAMillion,
        "Messages of one connection, lasting.")
    let messageBurst = Setting.number(
        "message-burst", sockets.messageBurst, in: 1...10_000_000,
        "Messages of one connection at once.")
    let maxConnections = Setting.number(
        "max-connections", 0, in: upToAMillion, "Connections in all.")
    let maxConnectionsPerAddress = Setting.number(
        "max-connections-per-address", 1000, in: upToAMillion, "Connections of one address.")
    let maxConnectionsPerClient = Setting.number(
        "max-connections-per-client", 0, in: upToAMillion, "Connections of one client.")
    let maxConnectionsPerSubject = Setting.number(
        "max-connections-per-subject", 0, in: upToAMillion, "Connections of one subject.")
    let connectionsPerSecond = Setting.number(
        "connections-per-second", 100, in: upToAMillion,
        "New connections of one address, lasting.")
    let connectionBurst = Setting.number(
        "connection-burst", 400, in: 1...1_000_000, "New connections of one address at once.")
    let maxConnectionAgeSeconds = Setting.number(
        "max-connection-age-seconds", 7200, in: upToAYear,
        "Seconds after which a classic connection is closed.")
    let maxV1ConnectionAgeSeconds = Setting.number(
        "max-v1-connection-age-seconds", 86_400, in: upToAYear,
        "Seconds after which a v1 connection is closed.")
    let firstMessageSeconds = Setting.number(
        "first-message-seconds", 60, in: upToAYear, "Seconds until a connection's first message.")
    let resumeGraceSeconds = Setting.number(
        "resume-grace-seconds", 30, in: 0...3600,
        "Seconds that a lost v1 session waits; 0: none waits.")
    let resumeEvents = Setting.number(
        "resume-events", 256, in: upToAMillion, "Events kept of a v1 session.")
    let resumeBytes = Setting.number(
        "resume-bytes", 256 << 10, in: 0...(1 << 30), "Bytes of events kept of a v1 session.")
    let pingIntervalSeconds = Setting.number(
        "ping-interval-seconds", sockets.pingIntervalSeconds, in: upToAYear,
        "Seconds between pings to a silent peer.")
    let drainSeconds = Setting.number(
        "drain-seconds", 5, in: 0...3600,
        "Seconds that peers have, at a stop, to read what is queued.")
    let requestSeconds = Setting.number(
        "request-seconds", 15, in: 0...3600,
        "Seconds that a request or handshake may take to arrive.")
    let keepaliveSeconds = Setting.number(
        "keepalive-seconds", 75, in: 1...3600,
        "Seconds that a connection may be silent between requests.")
    let headerBytes = Setting.number(
        "header-bytes", 16_384, in: 4096...65_536, "Bytes of a request's header.")
    let maxHTTPConnections = Setting.number(
        "max-http-connections", 10_000, in: 1...131_072, "Connections of HTTP on one port.")
    let maxHTTPConnectionsPerAddress = Setting.number(
        "max-http-connections-per-address", 500, in: upToAMillion,
        "Connections of HTTP of one address on one port.")
    let tokenRequestsPerSecond = Setting.number(
        "token-requests-per-second", 0, in: upToAMillion,
        "Requests of one client at an OAuth endpoint, a second.")
    let addressRequestsPerSecond = Setting.number(
        "address-requests-per-second", 0, in: upToAMillion,
        "Requests of one address at the OAuth endpoints, a second.")
}

extension Setting {
    fileprivate static func endpoint(
        _ name: ByteText, default defaultText: String, _ help: String
    ) -> Setting where Value == Endpoint? {
        optional(
            name, default: defaultText,
            expected: "ADDRESS:PORT with an IP address and a port from 0 to 65535, "
                + "such as 127.0.0.1:8080 or [::1]:8080", help
        ) { Endpoint($0) }
    }

    fileprivate static func iceServers(
        _ name: ByteText, _ kind: ICEServerURL.Kind, _ example: String, _ help: String
    ) -> Setting where Value == [ICEServerURL] {
        list(name, expected: "a URL such as \(example)", help) { text in
            ICEServerURL(ByteText(text)).flatMap { $0.kind == kind ? $0 : nil }
        }
    }
}
