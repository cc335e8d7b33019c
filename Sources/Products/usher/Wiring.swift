import Access
import Admission
import AuthService
import Bytes
import Clients
import Cryptography
import Edge
import Files
import HTTPMessages
import HTTPServing
import ICEServers
import Identifiers
import KeyFollowing
import OperatorService
import PublicService
import RegistryFollowing
import Relay
import SigningKeys
import SocketLoop
import TokenIssuing
import Tokens
import UsherVerifier
import WebSocket

/// What must be there before anything listens: the registry and the keys.
struct Foundations {
    let registry: any Registry
    let keys: LiveKeys
    /// nil where there is no TURN server.
    let turnSecret: TURNSecret?

    init(_ settings: ServeSettings) throws {
        do throws(FileFailure) {
            try OpenFolder.make(path: settings.data, modeAbove: 0o755)
        } catch {
            throw CommandFailure("\(settings.data) cannot be used: \(error)")
        }
        try settings.checkKeysOfAuthHalf()
        let registry = try settings.registry.open(mustExist: false)
        self.registry = registry
        keys = try LiveKeys(
            store: try settings.keys.store { registry },
            algorithm: settings.access.signingAlgorithm.algorithm,
            duty: settings.half.servesTokens
                ? .keep(publishSeconds: settings.access.keyPublishSeconds) : .follow,
            now: Clock.now)
        turnSecret = try settings.ice.turnSecretFile.map { path throws(SettingError) in
            try TURNSecret(path: path)
        }
    }
}

/// Makes the services and hands each the ports it needs. Nothing else knows both sides.
struct Wiring {
    let settings: ServeSettings
    let foundations: Foundations
    let issuer: String
    let audience: String
    private let edgeStep: EdgeStep
    private let pass: OperatorPass
    private let ports: [HTTPServer]
    private let isServing: @Sendable () -> Bool
    let log: ServiceLog
    private let processLog: ProcessLog
    private let counts = OperatorCounts(now: Clock.now, routes: PublicService.routes)

    /// The connected service.
    struct Parts {
        let directory: ClientDirectory
        let front: PublicService
        let operators: OperatorService
        /// Answers for reverse proxies; nil without the auth half.
        let edge: (@Sendable (HTTPRequest) -> HTTPResponse)?
        /// nil without a relay, as is the next.
        let relay: SignallingHalf?
        let keeping: SessionKeeping?
    }

    /// `publicURL` is the issuer where none is set; `isServing` says whether the public port has
    /// its routes.
    init(
        _ settings: ServeSettings, _ foundations: Foundations, publicURL: String,
        _ pass: OperatorPass, ports: [HTTPServer], isServing: @escaping @Sendable () -> Bool,
        log: ProcessLog
    ) {
        self.settings = settings
        self.pass = pass
        self.foundations = foundations
        self.ports = ports
        self.isServing = isServing
        issuer = settings.access.issuer ?? publicURL
        audience = settings.access.audience ?? issuer
        edgeStep = EdgeStep(cookieName: ByteText(settings.access.edgeCookie))
        self.log = ServiceLog(logger: log.logger, counts: counts.reports)
        processLog = log
    }

    func connect() throws -> Parts {
        let changes = Changes()
        let directory = ClientDirectory(registry: foundations.registry, onChange: changes.tell)
        let (live, figures) = try verifier { id in try? directory.client(id) }
        let check = TokenCheck(
            verify: { token, kinds, now throws(TokenRefused) in
                do throws(TokenFault) {
                    return try live.verify(token, kinds, atSecondsSinceEpoch: now)
                } catch {
                    throw TokenRefused(code: TokenRejection(error).code)
                }
            }, isRevoked: directory.isRevoked)
        if settings.half.servesTokens {
            try foundations.registry.keepOrigins(
                Origin.own(url: issuer), at: Clock.now())
        }
        let auth = settings.half.servesTokens ? authService(directory, check) : nil
        let demo =
            settings.access.demo ? AuthService.demoClient(atSecondsSinceEpoch: Clock.now()) : nil
        let relay =
            settings.half.servesSignalling
            ? try self.relay(directory, check, demo: demo) : nil
        let reports = KeyReports(
            log: log.write,
            registry: foundations.keys.writesAudit ? nil : foundations.registry, now: Clock.now)
        foundations.keys.start(onEvent: reports.report, onChange: live.replaceKeys)
        if let relay {
            changes.follow {
                relay.admission.noteRightsChanged()
                relay.loops.tell(.rightsChanged)
            }
        }
        let edge = auth.map { auth in
            { @Sendable request in auth.edgeAuthResponse(to: request) }
        }
        return Parts(
            directory: directory,
            front: PublicService(
                allowPlainHTTP: settings.access.allowPlainHTTP, edge: edgeStep, auth: auth,
                relay: relay.map {
                    $0.routes(
                        path: settings.access.signalPath,
                        marksTokens: settings.access.queryToken == .oneUse)
                },
                count: counts.http.count),
            operators: operators(directory, figures, relay, edge), edge: edge, relay: relay,
            keeping: relay.map { _ in
                SessionKeeping(
                    folder: settings.data, node: settings.cluster?.nodeName,
                    allowsGroup: settings.places.keysGroupAccess, log: log)
            })
    }

    /// What each peer is told of STUN and TURN servers.
    private func iceServers() -> @Sendable (Subject, Int64) -> ICEServers.Offer {
        let (servers, secret) = (settings.iceServers, foundations.turnSecret)
        return { subject, now in
            servers.offer(to: subject, now: now) { secret?.mac($0) ?? "" }
        }
    }
}

// MARK: The keys

extension Wiring {
    private func verifier(
        client: @escaping @Sendable (ClientID) -> Client?
    ) throws -> (LiveVerifier, figures: @Sendable () -> OperatorPorts.Verification) {
        let leewaySeconds = 30
        let verifier = try Verifier(
            issuer: issuer, audience: audience, algorithms: [.es256, .rs256, .eddsa],
            keys: .keys(foundations.keys.current.verification), leewaySeconds: leewaySeconds)
        let live = LiveVerifier(
            ClaimsPolicy(
                issuer: issuer, audience: audience, leewaySeconds: Int64(leewaySeconds)),
            foundations.keys,
            verify: { token, kinds, now throws(TokenFault) in
                try verifier.claims(of: token, atSecondsSinceEpoch: now, accepting: kinds)
            },
            // Fails without a usable key alone, and the signing one always is.
            replace: { try? verifier.replaceKeys($0) }, client: client)
        return (
            live,
            {
                let (checked, refused) = live.counts
                return (checked, refused, verifier.cacheHits, verifier.rememberedCount)
            }
        )
    }
}

// MARK: The operator's port

extension Wiring {
    private func operators(
        _ directory: ClientDirectory,
        _ verification: @escaping @Sendable () -> OperatorPorts.Verification,
        _ relay: SignallingHalf?, _ edge: (@Sendable (HTTPRequest) -> HTTPResponse)?
    ) -> OperatorService {
        let (keys, ports, processLog) = (foundations.keys, ports, processLog)
        return OperatorService(
            OperatorPorts(
                version: usherVersion, now: Clock.now, hosts: settings.places.operatorHosts,
                pages: Pages.operators, isBearer: pass.isToken,
                checks: checks(directory, relay), connections: { ports.map(\.connections) },
                verification: verification,
                droppedLines: { processLog.droppedCount }, process: ProcessMetrics.families,
                keys: {
                    keys.stored.map {
                        ($0.keyID, $0.algorithm.rawValue, $0.stage.rawValue, $0.since, $0.goneAt)
                    }
                },
                relay: relay.map { relay in
                    OperatedRelay(
                        relay.service, sockets: { relay.loops.figures },
                        cluster: relay.node.map { $0.operated }
                    ) {
                        relay.loops.tell(.kick($0))
                    }
                }, edge: edge), counts)
    }
}

extension Wiring {
    /// Without which the service does not answer yet, or by what it knew before.
    private func checks(
        _ directory: ClientDirectory, _ relay: SignallingHalf?
    ) -> [OperatorPorts.Check] {
        let (keys, isServing) = (foundations.keys, isServing)
        var checks: [OperatorPorts.Check] = [
            ("service", { isServing() ? nil : "starting" }),
            ("registry", { directory.trouble()?.code }), ("keys", { keys.trouble?.code }),
        ]
        if let relay, relay.node != nil {
            checks.append(("cluster", { relay.node?.trouble }))
        }
        return checks
    }
}

// MARK: The auth half

extension Wiring {
    private func authService(
        _ directory: ClientDirectory, _ check: TokenCheck
    ) -> AuthService {
        let keys = foundations.keys
        let ports = AuthPorts(
            now: Clock.now, random: RandomReserve().bytes, sha256: Digest.sha256,
            constantTimeEqual: constantTimeEqual,
            client: directory.client,
            issue: { [counts] claims throws(IssueFailure) in
                do throws(TokenIssuingError) {
                    let token = try keys.current.issuer.issue(claims)
                    counts.tokens.note()
                    return token
                } catch {
                    throw IssueFailure(code: error.code)
                }
            },
            tokens: check, revoke: revoke(directory), isUsed: foundations.registry.isTokenUsed(id:),
            markUsed: foundations.registry.markTokenUsed(id:expiresAt:),
            verifySignature: AssertionKeys().isValid,
            keySet: { keys.current.keySet },
            catchUp: directory.catchUp, isListedOrigin: directory.listsOrigin,
            iceServers: iceServers(), log: log.write,
            registrations: settings.access.clientRegistration
                ? .over(foundations.registry, followedBy: directory) : nil)
        return AuthService(
            AuthConfiguration(
                issuer: issuer, audience: audience, edgeStep: edgeStep,
                tokenRequestsPerSecond: settings.limits.tokenRequestsPerSecond,
                addressRequestsPerSecond: settings.limits.addressRequestsPerSecond,
                openAPI: PackageResources.openapi_json,
                edgeProxies: settings.access.trustedProxies,
                demo: settings.access.demo ? demo() : nil),
            ports)
    }

    private func revoke(_ directory: ClientDirectory) -> AuthPorts.Revoke {
        let registry = foundations.registry
        return { revocation, actor throws(RegistryFailure) in
            try registry.revoke(revocation, by: actor, at: Clock.now())
            directory.noteRevoked(revocation)
        }
    }

    private func demo() -> DemoConfiguration {
        DemoConfiguration(
            assets: Pages.demo, allowedHosts: Origin.of(url: issuer).map { [$0.host] } ?? [],
            signalPath: settings.access.signalPath ?? "/")
    }
}

// MARK: The signalling half

extension Wiring {
    private func relay(
        _ directory: ClientDirectory, _ check: TokenCheck, demo: Client?
    ) throws -> SignallingHalf {
        let ports = admissionPorts(check, clients(directory, demo: demo))
        let admission = Admission(admissionConfiguration, ports)
        let line = settings.cluster.map { _ in BusLine(reads: NodeVersion.own.reads) }
        let service = Relay(
            relayConfiguration, relayPorts(ports, line), ledger: admission.ledger)
        let loops = try SocketLoops(
            count: min(Processors.usableCount, SocketID.loopCountMax), limits: settings.sockets,
            makeHandler: { service.makeHandler(loop: $0) })
        return SignallingHalf(
            admission: admission, service: service, loops: loops,
            node: try node(service, loops, line))
    }

    private var admissionConfiguration: AdmissionConfiguration {
        let limits = settings.limits
        return AdmissionConfiguration(
            ownOrigins: Origin.own(url: issuer), queryToken: settings.access.queryToken,
            connectionsMax: limits.maxConnections,
            connectionsPerAddressMax: limits.maxConnectionsPerAddress,
            connectionsPerClientMax: limits.maxConnectionsPerClient,
            connectionsPerSubjectMax: limits.maxConnectionsPerSubject,
            connectionsPerSecond: limits.connectionsPerSecond,
            connectionBurst: limits.connectionBurst, edgeCookieName: settings.access.edgeCookie)
    }

    private var relayConfiguration: RelayConfiguration {
        let limits = settings.limits
        return RelayConfiguration(
            roomsPerConnectionMax: limits.maxRooms, membersPerRoomMax: limits.maxMembers,
            resumeGraceSeconds: limits.resumeGraceSeconds,
            historyEventsMax: limits.resumeEvents, historyBytesMax: limits.resumeBytes,
            outboundBytesMax: limits.maxOutboundBytes,
            maxAgeSeconds: limits.maxConnectionAgeSeconds,
            maxV1AgeSeconds: limits.maxV1ConnectionAgeSeconds,
            firstMessageSeconds: limits.firstMessageSeconds,
            pingIntervalSeconds: limits.pingIntervalSeconds,
            maxMessageBytes: limits.maxMessageBytes)
    }

    private func clients(
        _ directory: ClientDirectory, demo: Client?
    ) -> @Sendable (ClientID) -> ClientStanding? {
        let lastKnown = LastKnownClients()
        return { id in
            if let demo, demo.clientID == id { return ClientStanding(demo) }
            return lastKnown.client(id) { try directory.client(id).map(ClientStanding.init) }
        }
    }

    private func admissionPorts(
        _ check: TokenCheck, _ clients: @escaping @Sendable (ClientID) -> ClientStanding?
    ) -> AdmissionPorts {
        let registry = foundations.registry
        return AdmissionPorts(
            now: Clock.now, monotonicMilliseconds: Clock.monotonicMilliseconds,
            tokens: check, client: clients,
            markUsed: { [log] tokenID, expiresAt in
                do throws(RegistryFailure) {
                    let isFresh = try registry.markTokenUsed(id: tokenID, expiresAt: expiresAt)
                    return isFresh ? .fresh : .used
                } catch {
                    log.write("registry_unavailable", [("code", error.code)])
                    return .unavailable
                }
            },
            sha1: Digest.sha1, log: log.write)
    }

    private func relayPorts(_ admission: AdmissionPorts, _ line: BusLine?) -> RelayPorts {
        RelayPorts(
            admission, random64: RandomReserve().uint64, random128: SecureRandom.uint128,
            sha256: Digest.sha256, iceServers: iceServers(), cluster: line)
    }
}

extension ClientStanding {
    fileprivate init(_ client: Client) {
        self.init(
            isEnabled: client.isEnabled, origins: client.origins,
            legacySecretDigest: client.legacySecret.map(Digest.sha256))
    }
}
