import Admission
import Bytes
import Cryptography
import Edge
import HTTPMessages
import Logging
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

/// Limits on rooms and on who may connect; 0 means none.
struct AdmissionLimits: Equatable, Sendable {
    let rooms: Int
    let members: Int
    let connections: Int
    let connectionsPerAddress: Int
    let connectionsPerClient: Int
    let connectionsPerSubject: Int
    let connectionsPerSecond: Int
    let connectionBurst: Int
}

/// What `usher serve` was told, valid by construction.
struct ServeSettings: Sendable {
    let half: ServedHalf
    let data: String
    let keys: String
    /// Whether the group of the key folder and its files may have rights in them.
    let keysGroupAccess: Bool
    let listen: Endpoint
    let operatorListen: Endpoint
    /// Names by which the operator's port may be asked, in lower case.
    let operatorHosts: [String]
    /// Where `GET /edge/auth` is answered beside the operator's port; nil: there alone.
    let edgeListen: Endpoint?
    let issuer: String?
    let audience: String?
    let demo: Bool
    /// Whether clients may be registered over HTTP (RFC 7591).
    let clientRegistration: Bool
    let edgeCookie: String
    let queryToken: QueryTokenRule
    let signingAlgorithm: SignatureAlgorithm
    /// How long a key is in the key set before it signs.
    let keyPublishSeconds: Int
    let signalPath: String?
    let admission: AdmissionLimits
    let ice: ICESettings
    let sockets: SocketLimits
    let conversations: ConversationLimits
    let tokenRequestsPerSecond: Int
    let addressRequestsPerSecond: Int
    /// How long sockets may take, when the service stops, to read what is queued for them.
    let drainSeconds: Int
    let http: HTTPLimits
    /// nil: plain http.
    let tls: TLSFiles?
    let trustedProxies: [CIDR]
    let allowPlainHTTP: Bool
    let logLevel: Logger.Level
    let logFormat: LogFormat

    var keyFolder: KeyFolder { KeyFolder(path: keys, allowsGroup: keysGroupAccess) }

    /// Where a browser on this machine finds the service, if it has the port it asked for.
    var publicURL: String { listen.url(isTLS: tls != nil) }

    /// - Throws: `SettingError` for the first setting that is not what it must be.
    init(half: ServedHalf, values: SettingValues, defaultData: String) throws(SettingError) {
        self.half = half
        data = values.text(.data) ?? defaultData
        keys = values.text(.keys) ?? data + "/keys"
        keysGroupAccess = try values.flag(.keysGroupAccess)
        listen = try values.endpoint(.listen, default: half == .signal ? 8081 : 8080)
        operatorListen = try values.endpoint(.operator, default: half == .signal ? 9091 : 9090)
        operatorHosts = try values.hosts(.operatorHost)
        edgeListen =
            values.text(.edgeListen) == nil ? nil : try values.endpoint(.edgeListen, default: 0)
        allowPlainHTTP = try values.flag(.allowPlainHTTP)
        trustedProxies = try values.proxies()
        drainSeconds = try values.integer(.drainSeconds, default: 5, in: 0...3600)
        http = try HTTPLimits(values)
        tls = try values.tlsFiles()
        issuer = try values.issuer(allowPlainHTTP: allowPlainHTTP)
        audience = values.text(.audience)
        demo = try values.flag(.demo)
        clientRegistration = try values.flag(.clientRegistration)
        edgeCookie = try values.cookieName()
        queryToken = try values.choice(.queryToken, default: QueryTokenRule.allow)
        signingAlgorithm =
            try values.choice(.signingAlgorithm, default: SigningAlgorithmSetting.es256).algorithm
        keyPublishSeconds =
            try values.integer(.keyPublishSeconds, default: 1200, in: 1...2_592_000)
        signalPath = try values.path(.signalPath)
        admission = try values.admissionLimits()
        ice = try ICESettings(values)
        sockets = try values.socketLimits()
        conversations = try ConversationLimits(values)
        tokenRequestsPerSecond =
            try values.integer(.tokenRequestsPerSecond, default: 0, in: 0...1_000_000)
        addressRequestsPerSecond =
            try values.integer(.addressRequestsPerSecond, default: 0, in: 0...1_000_000)
        logLevel = try values.choice(.logLevel, default: Logger.Level.info)
        logFormat = try values.choice(.logFormat, default: LogFormat.text)
        try values.checkExposure(of: self)
    }
}

extension SettingValues {
    fileprivate func endpoint(
        _ setting: Setting, default port: UInt16
    ) throws(SettingError) -> Endpoint {
        guard let text = text(setting) else { return Endpoint(address: "127.0.0.1", port: port) }
        guard let endpoint = Endpoint(text) else {
            throw error(
                setting,
                expected: "ADDRESS:PORT with an IP address and a port from 0 to 65535, "
                    + "such as 127.0.0.1:8080 or [::1]:8080")
        }
        return endpoint
    }

    fileprivate func hosts(_ setting: Setting) throws(SettingError) -> [String] {
        var hosts: [String] = []
        for text in texts(setting) {
            // The port of a Host is no matter of who asks.
            guard let host = Origin.of(host: ByteText(text))?.host.string,
                text.utf8.count == host.utf8.count
            else {
                throw error(
                    setting, value: text,
                    expected: "a host name without a port, such as usher or metrics.internal")
            }
            hosts.append(host)
        }
        return hosts
    }

    fileprivate func tlsFiles() throws(SettingError) -> TLSFiles? {
        switch (text(.tlsCertificate), text(.tlsKey)) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return TLSFiles(certificate: certificate, key: key)
        case (_?, nil): throw error(.tlsKey, expected: "the file of the certificate's private key")
        case (nil, _?): throw error(.tlsCertificate, expected: "the file of the key's certificate")
        }
    }

    fileprivate func proxies() throws(SettingError) -> [CIDR] {
        var proxies: [CIDR] = []
        for text in texts(.trustedProxy) {
            guard let proxy = CIDR(text) else {
                throw error(
                    .trustedProxy, value: text,
                    expected: "a CIDR range, such as 10.0.0.0/8 or ::1/128")
            }
            proxies.append(proxy)
        }
        return proxies
    }

    fileprivate func issuer(allowPlainHTTP: Bool) throws(SettingError) -> String? {
        guard let text = text(.issuer) else { return nil }
        guard let issuer = IssuerURL(ByteText(text)),
            issuer.isSecure || issuer.isLoopback || allowPlainHTTP
        else {
            throw error(
                .issuer,
                expected: "an https URL without query and fragment "
                    + "(http for loopback alone, or with --allow-plain-http)")
        }
        return text
    }

    func cookieName() throws(SettingError) -> String {
        let name = text(.edgeCookie) ?? "__Host-usher_session"
        guard EdgeStep.isCookieName(ByteText(name)) else {
            throw error(.edgeCookie, expected: "a cookie name (RFC 6265 §4.1.1)")
        }
        return name
    }

    fileprivate func path(_ setting: Setting) throws(SettingError) -> String? {
        guard let text = text(setting) else { return nil }
        guard text.hasPrefix("/"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !text.contains("?"), !text.contains("#")
        else { throw error(setting, expected: "a path that starts with /") }
        return text
    }

    fileprivate func admissionLimits() throws(SettingError) -> AdmissionLimits {
        let range = 0...1_000_000
        return AdmissionLimits(
            rooms: try integer(.maxRooms, default: 16, in: range),
            members: try integer(.maxMembers, default: 64, in: range),
            connections: try integer(.maxConnections, default: 0, in: range),
            connectionsPerAddress: try integer(
                .maxConnectionsPerAddress, default: 1000, in: range),
            connectionsPerClient: try integer(.maxConnectionsPerClient, default: 0, in: range),
            connectionsPerSubject: try integer(.maxConnectionsPerSubject, default: 0, in: range),
            connectionsPerSecond: try integer(.connectionsPerSecond, default: 100, in: range),
            connectionBurst: try integer(.connectionBurst, default: 400, in: 1...1_000_000))
    }

    fileprivate func socketLimits() throws(SettingError) -> SocketLimits {
        var limits = SocketLimits()
        let seconds = 0...31_536_000
        limits.messageBytesMax = try integer(
            .maxMessageBytes, default: limits.messageBytesMax,
            in: 0...SocketLimits.messageBytesSupportedMax)
        limits.outboundBytesMax = try integer(
            .maxOutboundBytes, default: limits.outboundBytesMax, in: 0...(1 << 30))
        limits.outboundBytesPerClientMax = try integer(
            .maxOutboundBytesPerClient, default: limits.outboundBytesPerClientMax,
            in: 0...(1 << 40))
        limits.outboundBytesInAllMax = try integer(
            .maxOutboundBytesInAll, default: limits.outboundBytesInAllMax, in: 0...(1 << 40))
        limits.messagesPerSecond = try integer(
            .messagesPerSecond, default: limits.messagesPerSecond, in: 0...1_000_000)
        limits.messageBurst = try integer(
            .messageBurst, default: limits.messageBurst, in: 1...10_000_000)
        limits.pingIntervalSeconds = try integer(
            .pingIntervalSeconds, default: limits.pingIntervalSeconds, in: seconds)
        return limits
    }

    /// What must hold before a port is opened to others (RFC 6749 §3.2, RFC 6750 §5.3).
    fileprivate func checkExposure(of settings: ServeSettings) throws(SettingError) {
        let isProtected = settings.tls != nil || !settings.trustedProxies.isEmpty
        if !settings.listen.isLoopback, !isProtected, !settings.allowPlainHTTP {
            throw error(
                .listen,
                expected: "a loopback address, or --tls-cert and --tls-key, or --trusted-proxy "
                    + "CIDR for the proxy that ends TLS, or --allow-plain-http to send tokens in "
                    + "the clear")
        }
        if settings.demo, !settings.listen.isLoopback, try !flag(.demoPublic) {
            throw error(
                .demo, value: "true",
                expected: "--demo-public beside it, since anyone who reaches "
                    + "\(settings.listen) could then get a token for demo rooms")
        }
        if settings.half == .signal, settings.issuer == nil {
            throw error(
                .issuer, expected: "the URL of the auth half, whose tokens are taken here")
        }
        if let edge = settings.edgeListen, !edge.isLoopback, settings.trustedProxies.isEmpty {
            throw error(
                .edgeListen,
                expected: "a loopback address, or --trusted-proxy CIDR for the proxy that asks")
        }
        if settings.half == .signal, settings.edgeListen != nil {
            throw error(.edgeListen, expected: "the auth half, which answers /edge/auth")
        }
        if settings.half == .signal, settings.clientRegistration {
            throw error(
                .clientRegistration, value: "true",
                expected: "the auth half, where clients are registered")
        }
        if !settings.listen.isLoopback, !settings.listen.isWildcard, settings.issuer == nil,
            !settings.allowPlainHTTP
        {
            throw error(.issuer, expected: "the public https URL of this service")
        }
    }
}
