import Bytes
import Cluster
import HTTPMessages
import ICEServers
import SigningKeys
import SocketLoop
import Tokens

/// Which half of the service a process runs.
enum ServedHalf: String, CaseIterable, Sendable {
    case both, auth, signal

    var servesTokens: Bool { self != .signal }
    var servesSignalling: Bool { self != .auth }
}

/// An IP literal and a port; port 0 lets the system pick one.
struct Endpoint: Equatable, Sendable, CustomStringConvertible {
    let address: String
    let port: UInt16

    /// `127.0.0.1:8080` or `[::1]:8080`; nil for anything else, host names included.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var address = String(text[..<colon])
        let isBracketed = address.hasPrefix("[") && address.hasSuffix("]")
        if isBracketed { address = String(address.dropFirst().dropLast()) }
        guard isBracketed == address.contains(":"), IPAddress(address) != nil else { return nil }
        self.address = address
        self.port = port
    }

    init(address: String, port: UInt16) {
        self.address = address
        self.port = port
    }

    var isLoopback: Bool { IPAddress(address)?.isLoopback == true }
    /// Every address of the machine: reachable by loopback too.
    var isWildcard: Bool { address == "0.0.0.0" || address == "::" }

    var description: String {
        address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }

    /// Where a browser on this machine finds it.
    func url(isTLS: Bool) -> String {
        let host = isWildcard ? (address == "::" ? "::1" : "127.0.0.1") : address
        return (isTLS ? "https://" : "http://") + "\(Endpoint(address: host, port: port))"
    }
}

/// The algorithms that tokens may be signed with here.
enum SigningAlgorithmSetting: String, CaseIterable {
    case es256 = "ES256"
    case rs256 = "RS256"
    case eddsa = "EdDSA"

    var algorithm: SignatureAlgorithm {
        switch self {
        case .es256: .es256
        case .rs256: .rs256
        case .eddsa: .eddsa
        }
    }
}

/// What `usher serve` was told, valid by construction.
struct ServeSettings: Sendable {
    let half: ServedHalf
    let places: Settings<PlaceSettings>
    let access: Settings<AccessSettings>
    let ice: Settings<ICESettings>
    let clusterSettings: Settings<ClusterSettings>
    let limits: Settings<LimitSettings>
    /// The service's own folder, where the registry lies unless it is in a database.
    let data: String
    let keys: KeyPlace
    let registry: RegistryPlace
    /// nil: this relay is alone.
    let cluster: ClusterPlace?
    let listen: Endpoint
    let operatorListen: Endpoint
    /// nil: plain http.
    let tls: TLSFiles?

    /// Where a browser on this machine finds the service, if it has the port it asked for.
    var publicURL: String { listen.url(isTLS: tls != nil) }

    /// - Throws: `SettingError` for the first setting that is not what it must be.
    init(
        half: ServedHalf = .both, _ values: SettingValues,
        defaultData: String = Environment.defaultDataFolder
    ) throws(SettingError) {
        self.half = half
        places = try Settings(values)
        access = try Settings(values)
        ice = try Settings(values)
        clusterSettings = try Settings(values)
        limits = try Settings(values)
        data = places.data ?? defaultData
        keys = try KeyPlace(values, data: data, allowsGroup: places.keysGroupAccess)
        registry = try RegistryPlace(values, data: data)
        cluster = try ClusterPlace(
            clusterSettings, allowsGroup: places.keysGroupAccess)
        listen =
            places.listen ?? Endpoint(address: "127.0.0.1", port: half == .signal ? 8081 : 8080)
        operatorListen =
            places.operatorListen
            ?? Endpoint(address: "127.0.0.1", port: half == .signal ? 9091 : 9090)
        tls = TLSFiles(certificate: access.tlsCertificate, key: access.tlsKey)
        try checkPairs()
        try checkExposure()
        try checkHalf()
        try checkCluster()
    }
}

// MARK: What settings must be to each other

extension ServeSettings {
    /// What the headers of a port's connections may take together: each has room for two.
    private static let headerBytesSumMax = 1 << 30

    private func checkPairs() throws(SettingError) {
        if access.tlsKey == nil, access.tlsCertificate != nil {
            throw access.error(\.tlsKey, expected: "the file of the certificate's private key")
        }
        if access.tlsKey != nil, access.tlsCertificate == nil {
            throw access.error(\.tlsCertificate, expected: "the file of the key's certificate")
        }
        if !ice.turnServers.isEmpty, ice.turnSecretFile == nil {
            throw ice.error(
                \.turnSecretFile,
                expected: "the file of the secret that the TURN server has too "
                    + "(static-auth-secret of coturn)")
        }
        if ice.turnServers.isEmpty, ice.turnSecretFile != nil {
            throw ice.error(\.turnServers, expected: "the TURN server whose secret is given")
        }
        let connectionsMax = Self.headerBytesSumMax / (2 * limits.headerBytes)
        if limits.maxHTTPConnections > connectionsMax {
            throw limits.error(
                \.maxHTTPConnections, value: String(limits.maxHTTPConnections),
                expected: "at most \(connectionsMax) beside \(LimitSettings().headerBytes.flag) "
                    + "\(limits.headerBytes), or fewer bytes there: their memory is bounded by "
                    + "1 GiB")
        }
    }

    /// What must hold before a port is opened to others (RFC 6749 §3.2, RFC 6750 §5.3).
    private func checkExposure() throws(SettingError) {
        if let issuer = access.issuer.flatMap({ IssuerURL(ByteText($0)) }),
            !issuer.isSecure, !issuer.isLoopback, !access.allowPlainHTTP
        {
            throw access.error(\.issuer)
        }
        let isProtected = tls != nil || !access.trustedProxies.isEmpty
        if !listen.isLoopback, !isProtected, !access.allowPlainHTTP {
            throw places.error(
                \.listen,
                expected: "a loopback address, or --tls-cert and --tls-key, or --trusted-proxy "
                    + "CIDR for the proxy that ends TLS, or --allow-plain-http to send tokens in "
                    + "the clear")
        }
        if access.demo, !listen.isLoopback, !access.demoPublic {
            throw access.error(
                \.demo, value: "true",
                expected: "--demo-public beside it, since anyone who reaches \(listen) could then "
                    + "get a token for demo rooms")
        }
        if let edge = places.edgeListen, !edge.isLoopback, access.trustedProxies.isEmpty {
            throw places.error(
                \.edgeListen,
                expected: "a loopback address, or --trusted-proxy CIDR for the proxy that asks")
        }
        if !listen.isLoopback, !listen.isWildcard, access.issuer == nil, !access.allowPlainHTTP {
            throw access.error(\.issuer, expected: "the public https URL of this service")
        }
    }

    private func checkCluster() throws(SettingError) {
        let bytesMax = PayloadSource.eventBytesMax - 1024
        let bytes = limits.maxMessageBytes
        guard cluster != nil, bytes == 0 || bytes > bytesMax else { return }
        throw limits.error(
            \.maxMessageBytes, value: String(bytes),
            expected: "1 to \(bytesMax) beside --cluster: messages go from node to node whole")
    }

    private func checkHalf() throws(SettingError) {
        if half == .auth, cluster != nil {
            throw clusterSettings.error(
                \.cluster, expected: "a relay: the auth half shares the registry alone")
        }
        guard half == .signal else { return }
        if access.issuer == nil {
            throw access.error(
                \.issuer, expected: "the URL of the auth half, whose tokens are taken here")
        }
        if places.edgeListen != nil {
            throw places.error(
                \.edgeListen, expected: "the auth half, which answers /edge/auth")
        }
        if access.clientRegistration {
            throw access.error(
                \.clientRegistration, value: "true",
                expected: "the auth half, where clients are registered")
        }
    }
}

// MARK: Keys of several hosts

extension ServeSettings {
    /// Whether this host has keys of its own while others share its registry: theirs may be others.
    var hasKeysApart: Bool {
        guard case .database = registry, case .folder = keys else { return false }
        return true
    }

    /// A relay that made a key of its own would refuse every token of the auth half.
    func checkKeysOfAuthHalf() throws {
        guard half == .signal, hasKeysApart, case .folder(let folder) = keys else { return }
        var keys: [StoredKey] = []
        do throws(KeyStoreError) {
            keys = try folder.list()
        } catch {
            guard case .missing = error else { throw error }
        }
        guard !keys.contains(where: { $0.stage == .signing }) else { return }
        throw CommandFailure(
            "\(folder.path) holds no key of the auth half, whose tokens are taken here: have the "
                + "keys of both in the registry (--master-key-file), or name the same folder "
                + "(--keys)")
    }
}

// MARK: What is made of several

extension ServeSettings {
    var sockets: SocketLimits {
        var sockets = SocketLimits()
        sockets.messageBytesMax = limits.maxMessageBytes
        sockets.outboundBytesMax = limits.maxOutboundBytes
        sockets.outboundBytesPerClientMax = limits.maxOutboundBytesPerClient
        sockets.outboundBytesInAllMax = limits.maxOutboundBytesInAll
        sockets.messagesPerSecond = limits.messagesPerSecond
        sockets.messageBurst = limits.messageBurst
        sockets.pingIntervalSeconds = limits.pingIntervalSeconds
        return sockets
    }

    var iceServers: ICEServers {
        ICEServers(
            ice.stunServers + ice.turnServers, lifetimeSeconds: Int64(ice.turnCredentialSeconds))
    }
}
