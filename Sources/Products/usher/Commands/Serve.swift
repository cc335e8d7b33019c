import ArgumentParser

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the service: tokens over HTTP, signalling over WebSocket, on one port.",
        discussion: """
            Without a half, both run in one process. When both ports accept, one line of JSON on \
            stdout says where; logs go to stderr. SIGTERM and SIGINT stop it cleanly.

            Any setting may also come from the environment (--max-rooms is USHER_MAX_ROOMS) or \
            from the file that --config names (a JSON object whose members bear the flags' names). \
            Flags win over the environment, and this over the file. A limit of 0 means none.

            EXAMPLES
              usher serve
              usher serve --demo
              usher serve --listen 0.0.0.0:8080 --trusted-proxy 10.0.0.0/8 \
            --issuer https://meet.example
              usher serve auth   --data /var/lib/usher --issuer https://meet.example
              usher serve signal --data /var/lib/usher --issuer https://meet.example
            """)

    enum Half: String, ExpressibleByArgument, CaseIterable { case auth, signal }

    @Argument(help: "One half alone; two such processes share one --data on one host.")
    var half: Half?

    @OptionGroup(title: "PLACES") var places: PlaceOptions
    @OptionGroup(title: "TOKENS AND ACCESS") var access: AccessOptions
    @OptionGroup(title: "STUN AND TURN") var ice: ICEOptions
    @OptionGroup(title: "LIMITS") var limits: LimitOptions

    func run() throws {
        try report {
            let settings = try ServeSettings(
                half: half.flatMap { ServedHalf(rawValue: $0.rawValue) } ?? .both,
                values: SettingValues(
                    flags: places.flags
                        .merging(access.flags) { first, _ in first }
                        .merging(ice.flags) { first, _ in first }
                        .merging(limits.flags) { first, _ in first },
                    environment: Environment.variables,
                    file: try Environment.configuration(at: places.config)),
                defaultData: Environment.defaultDataFolder)
            try Site(settings).run()
        }
    }
}

struct PlaceOptions: ParsableArguments {
    @Option(help: "Folder of the registry. (default: ~/.local/share/usher)") var data: String?
    @Option(help: "Folder of the signing keys. (default: DATA/keys)") var keys: String?
    @Option(help: "Public ADDRESS:PORT; port 0 picks a free one. (default: 127.0.0.1:8080)")
    var listen: String?
    @Option(
        name: .customLong("operator"),
        help: "ADDRESS:PORT for health checks. (default: 127.0.0.1:9090)")
    var operatorListen: String?
    @Option(help: "Name by which that port may be asked, beside addresses; may be repeated.")
    var operatorHost: [String] = []
    @Flag(help: "Take keys that their group may read, as Kubernetes mounts them with fsGroup.")
    var keysGroupAccess = false
    @Option(help: "ADDRESS:PORT for GET /edge/auth, for a proxy elsewhere. (default: none)")
    var edgeListen: String?
    @Option(help: "Configuration file, JSON.") var config: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical. (default: info)")
    var logLevel: String?
    @Option(help: "Log lines for people or programs: text or json. (default: text)")
    var logFormat: String?

    var flags: [Setting: [String]] {
        [
            .data: data.asList, .keys: keys.asList, .listen: listen.asList,
            .keysGroupAccess: keysGroupAccess ? ["true"] : [],
            .operator: operatorListen.asList, .operatorHost: operatorHost,
            .edgeListen: edgeListen.asList,
            .logLevel: logLevel.asList, .logFormat: logFormat.asList,
        ]
    }
}

struct AccessOptions: ParsableArguments {
    @Option(help: "URL of this service, the iss of its tokens. (default: the public URL)")
    var issuer: String?
    @Option(help: "The aud of its tokens. (default: the issuer)") var audience: String?
    @Option(help: "ES256, RS256 or EdDSA, for the key made at the first start. (default: ES256)")
    var signingAlgorithm: String?
    @Option(help: "Seconds that a new key is published before it signs. (default: 1200)")
    var keyPublishSeconds: String?
    @Option(help: "Cookie that becomes the bearer token. (default: __Host-usher_session)")
    var edgeCookie: String?
    @Option(help: "Tokens in the query: allow, one-use or deny. (default: allow)")
    var queryToken: String?
    @Option(help: "The one path of the relay. (default: every path that is no route)")
    var signalPath: String?
    @Option(help: "File of the TLS certificate and its chain, PEM: https and wss.")
    var tlsCert: String?
    @Option(help: "File of the certificate's private key, PEM.") var tlsKey: String?
    @Option(help: "CIDR of a proxy whose X-Forwarded headers count; may be repeated.")
    var trustedProxy: [String] = []
    @Flag(name: .customLong("allow-plain-http"), help: "Take tokens and secrets over plain http.")
    var allowPlainHTTP = false
    @Flag(help: "Let holders of a token with the scope client:register register clients.")
    var clientRegistration = false
    @Flag(help: "Serve a page at /demo/ in which two tabs meet.") var demo = false
    @Flag(help: "Allow --demo on an address that others reach.") var demoPublic = false

    var flags: [Setting: [String]] {
        [
            .issuer: issuer.asList, .audience: audience.asList,
            .signingAlgorithm: signingAlgorithm.asList,
            .keyPublishSeconds: keyPublishSeconds.asList, .edgeCookie: edgeCookie.asList,
            .queryToken: queryToken.asList, .signalPath: signalPath.asList,
            .tlsCertificate: tlsCert.asList, .tlsKey: tlsKey.asList,
            .trustedProxy: trustedProxy, .allowPlainHTTP: allowPlainHTTP ? ["true"] : [],
            .clientRegistration: clientRegistration ? ["true"] : [],
            .demo: demo ? ["true"] : [], .demoPublic: demoPublic ? ["true"] : [],
        ]
    }
}

struct ICEOptions: ParsableArguments {
    @Option(help: "stun:HOST:PORT that peers are told of; may be repeated.")
    var stunServer: [String] = []
    @Option(help: "turn:HOST:PORT that peers are told of; may be repeated.")
    var turnServer: [String] = []
    @Option(help: "File of the secret shared with the TURN servers, one line.")
    var turnSecretFile: String?
    @Option(help: "Seconds that TURN credentials are good. (default: 3600)")
    var turnCredentialSeconds: String?

    var flags: [Setting: [String]] {
        [
            .stunServer: stunServer, .turnServer: turnServer,
            .turnSecretFile: turnSecretFile.asList,
            .turnCredentialSeconds: turnCredentialSeconds.asList,
        ]
    }
}

struct LimitOptions: ParsableArguments {
    @Option(help: "Bytes of one message. (default: 131072)") var maxMessageBytes: String?
    @Option(help: "Rooms of one connection. (default: 16)") var maxRooms: String?
    @Option(help: "Members of one room. (default: 64)") var maxMembers: String?
    @Option(help: "Unsent bytes of one connection. (default: 1048576)")
    var maxOutboundBytes: String?
    @Option(help: "Unsent bytes of one client's connections. (default: 67108864)")
    var maxOutboundBytesPerClient: String?
    @Option(help: "Unsent bytes of all connections. (default: 536870912)")
    var maxOutboundBytesInAll: String?
    @Option(help: "Messages of one connection, lasting. (default: 200)")
    var messagesPerSecond: String?
    @Option(help: "Messages of one connection at once. (default: 2000)") var messageBurst: String?
    @Option(help: "Connections in all. (default: 0)") var maxConnections: String?
    @Option(help: "Connections of one address. (default: 1000)")
    var maxConnectionsPerAddress: String?
    @Option(help: "Connections of one client. (default: 0)") var maxConnectionsPerClient: String?
    @Option(help: "Connections of one subject. (default: 0)") var maxConnectionsPerSubject: String?
    @Option(help: "New connections of one address, lasting. (default: 100)")
    var connectionsPerSecond: String?
    @Option(help: "New connections of one address at once. (default: 400)")
    var connectionBurst: String?
    @Option(help: "Seconds after which a classic connection is closed. (default: 7200)")
    var maxConnectionAgeSeconds: String?
    @Option(
        name: .customLong("max-v1-connection-age-seconds"),
        help: "Seconds after which a v1 connection is closed. (default: 86400)")
    var maxV1ConnectionAgeSeconds: String?
    @Option(help: "Seconds until a connection's first message. (default: 60)")
    var firstMessageSeconds: String?
    @Option(help: "Seconds that a lost v1 session waits; 0: none waits. (default: 30)")
    var resumeGraceSeconds: String?
    @Option(help: "Events kept of a v1 session. (default: 256)") var resumeEvents: String?
    @Option(help: "Bytes of events kept of a v1 session. (default: 262144)")
    var resumeBytes: String?
    @Option(help: "Seconds between pings to a silent peer. (default: 25)")
    var pingIntervalSeconds: String?
    @Option(help: "Seconds that peers have, at a stop, to read what is queued. (default: 5)")
    var drainSeconds: String?
    @Option(help: "Seconds that a request or handshake may take to arrive. (default: 15)")
    var requestSeconds: String?
    @Option(help: "Seconds that a connection may be silent between requests. (default: 75)")
    var keepaliveSeconds: String?
    @Option(help: "Bytes of a request's header. (default: 16384)") var headerBytes: String?
    @Option(
        name: .customLong("max-http-connections"),
        help: "Connections of HTTP on one port. (default: 10000)")
    var maxHTTPConnections: String?
    @Option(
        name: .customLong("max-http-connections-per-address"),
        help: "Connections of HTTP of one address on one port. (default: 500)")
    var maxHTTPConnectionsPerAddress: String?
    @Option(help: "Requests of one client at an OAuth endpoint, a second. (default: 0)")
    var tokenRequestsPerSecond: String?
    @Option(help: "Requests of one address at the OAuth endpoints, a second. (default: 0)")
    var addressRequestsPerSecond: String?

    var flags: [Setting: [String]] {
        [
            .maxMessageBytes: maxMessageBytes.asList, .maxRooms: maxRooms.asList,
            .maxMembers: maxMembers.asList, .maxOutboundBytes: maxOutboundBytes.asList,
            .maxOutboundBytesPerClient: maxOutboundBytesPerClient.asList,
            .maxOutboundBytesInAll: maxOutboundBytesInAll.asList,
            .messagesPerSecond: messagesPerSecond.asList, .messageBurst: messageBurst.asList,
            .maxConnections: maxConnections.asList,
            .maxConnectionsPerAddress: maxConnectionsPerAddress.asList,
            .maxConnectionsPerClient: maxConnectionsPerClient.asList,
            .maxConnectionsPerSubject: maxConnectionsPerSubject.asList,
            .connectionsPerSecond: connectionsPerSecond.asList,
            .connectionBurst: connectionBurst.asList,
            .maxConnectionAgeSeconds: maxConnectionAgeSeconds.asList,
            .maxV1ConnectionAgeSeconds: maxV1ConnectionAgeSeconds.asList,
            .firstMessageSeconds: firstMessageSeconds.asList,
            .resumeGraceSeconds: resumeGraceSeconds.asList,
            .resumeEvents: resumeEvents.asList, .resumeBytes: resumeBytes.asList,
            .pingIntervalSeconds: pingIntervalSeconds.asList,
            .drainSeconds: drainSeconds.asList, .requestSeconds: requestSeconds.asList,
            .keepaliveSeconds: keepaliveSeconds.asList, .headerBytes: headerBytes.asList,
            .maxHTTPConnections: maxHTTPConnections.asList,
            .maxHTTPConnectionsPerAddress: maxHTTPConnectionsPerAddress.asList,
            .tokenRequestsPerSecond: tokenRequestsPerSecond.asList,
            .addressRequestsPerSecond: addressRequestsPerSecond.asList,
        ]
    }
}

extension String? {
    fileprivate var asList: [String] { self.map { [$0] } ?? [] }
}
