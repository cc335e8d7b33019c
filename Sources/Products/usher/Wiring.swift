import Access
import Admission
import AuthService
import Bytes
import ClientStorage
import Clients
import Cryptography
import Edge
import HTTPMessages
import ICEServers
import Relay
import SocketLoop
import TokenIssuing
import Tokens
import UsherVerifier
import WebSocket

/// What must be there before anything listens: the registry and the keys.
struct Foundations {
    let registry: ClientRegistry
    let keys: LiveKeys
    /// nil where there is no TURN server.
    let turnSecret: TURNSecret?

    init(_ settings: ServeSettings) throws {
        registry = try ClientRegistry(
            path: RegistryFile.path(in: settings.folders.data), mustExist: false)
        keys = try LiveKeys(
            folder: settings.folders.keys, algorithm: settings.access.signingAlgorithm.algorithm,
            duty: settings.half.servesTokens
                ? .keep(publishSeconds: settings.access.keyPublishSeconds) : .follow)
        turnSecret = try settings.ice.turnSecretFile.map { path throws(SettingError) in
            try TURNSecret(path: path)
        }
    }
}

/// Makes the services and hands each the ports it needs. Nothing else knows both sides.
struct Wiring {
    private let settings: ServeSettings
    private let foundations: Foundations
    private let issuer: String
    private let audience: String
    private let edgeStep: EdgeStep
    private let ports: HTTPPorts
    private let log: ServiceLog
    private let processLog: ProcessLog
    private let tokens = TokenCount()

    /// The connected service.
    struct Parts {
        let directory: ClientDirectory
        let front: PublicFront
        let edge: EdgeFront?
        let exposition: Exposition
        /// nil without a relay.
        let keeping: SessionKeeping?
        fileprivate let state: OperatorState?
        fileprivate let operatorHosts: [String]

        func operatorFront(_ pass: OperatorPass?) -> OperatorFront {
            OperatorFront(
                hosts: operatorHosts, checks: exposition.checks, metrics: exposition.text,
                console: pass.flatMap { pass in front.relay.map { $0.console(pass) } },
                page: pass.flatMap { pass in
                    state.map { OperatorPage(pass: pass, state: $0) }
                }, edge: edge)
        }
    }

    /// `publicURL` is the issuer where none is set.
    init(
        _ settings: ServeSettings, _ foundations: Foundations, publicURL: String,
        ports: HTTPPorts, log: ProcessLog
    ) {
        self.settings = settings
        self.foundations = foundations
        self.ports = ports
        issuer = settings.access.issuer ?? publicURL
        audience = settings.access.audience ?? issuer
        edgeStep = EdgeStep(cookieName: ByteText(settings.access.edgeCookie))
        self.log = ServiceLog(logger: log.logger)
        processLog = log
    }

    func connect() throws -> Parts {
        let changes = Changes()
        let directory = ClientDirectory(registry: foundations.registry, onChange: changes.tell)
        let verifier = try LiveVerifier(
            issuer: issuer, audience: audience, keys: foundations.keys,
            client: { id in try? directory.client(id) })
        let check = TokenCheck(
            verify: { token, kinds, now throws(TokenRefused) in
                do throws(TokenRejection) {
                    return try verifier.verify(token, kinds, atSecondsSinceEpoch: now)
                } catch {
                    throw TokenRefused(code: error.code)
                }
            }, isRevoked: directory.isRevoked)
        if settings.half.servesTokens {
            try foundations.registry.keepOrigins(
                Origin.own(url: issuer), atSecondsSinceEpoch: Clock.now())
        }
        let auth = settings.half.servesTokens ? authService(directory, check) : nil
        let demo =
            settings.access.demo ? AuthService.demoClient(atSecondsSinceEpoch: Clock.now()) : nil
        let relay =
            settings.half.servesSignalling
            ? try self.relay(directory, check, demo: demo) : nil
        let reports = KeyReports(
            log: log, audit: KeyAudit(registry: foundations.registry, actor: .server))
        foundations.keys.start(onEvent: reports.report, onChange: verifier.replaceKeys)
        if let relay {
            changes.follow {
                relay.admission.noteRightsChanged()
                relay.loops.tell(.rightsChanged)
            }
        }
        let front = PublicFront(
            allowPlainHTTP: settings.access.allowPlainHTTP, edge: edgeStep, auth: auth,
            relay: relay)
        let exposition = Exposition(
            startedAt: Clock.now(), http: front.counts, ports: ports, reports: log.counts,
            log: processLog, tokens: tokens, relay: relay,
            checks: readiness(directory, foundations.keys), verifier: verifier)
        return Parts(
            directory: directory, front: front,
            edge: auth.map { EdgeFront(auth: $0, proxies: settings.access.trustedProxies) },
            exposition: exposition,
            keeping: relay.map { _ in
                SessionKeeping(
                    folder: settings.folders.data,
                    allowsGroup: settings.places.keysGroupAccess, log: log)
            }, state: relay.map { state(front, $0) },
            operatorHosts: settings.places.operatorHosts)
    }

    private func state(_ front: PublicFront, _ relay: PublicFront.SignallingHalf) -> OperatorState {
        OperatorState(
            startedAt: Clock.now(), http: front.counts, reports: log.counts, tokens: tokens,
            keys: foundations.keys, relay: relay)
    }

    /// What each peer is told of STUN and TURN servers.
    private func iceServers() -> @Sendable (String, Int64) -> ICEServers.Offer {
        let (servers, secret) = (settings.iceServers, foundations.turnSecret)
        return { subject, now in
            servers.offer(to: subject, now: now) { secret?.mac($0) ?? "" }
        }
    }
}

// MARK: Health

extension Wiring {
    private func readiness(
        _ directory: ClientDirectory, _ keys: LiveKeys
    ) -> [OperatorFront.Check] {
        [
            OperatorFront.Check(name: "registry") { directory.trouble()?.code },
            OperatorFront.Check(name: "keys") { keys.trouble?.code },
        ]
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
            client: { id throws(RegistryFailure) in
                do throws(RegistryError) {
                    return try directory.client(id)
                } catch {
                    throw error.failure
                }
            },
            issue: { [tokens] claims throws(IssueFailure) in
                do throws(TokenIssuingError) {
                    let token = try keys.current.issuer.issue(claims)
                    tokens.note()
                    return token
                } catch {
                    throw IssueFailure(code: error.code)
                }
            },
            tokens: check, revoke: revoke(directory), isUsed: isUsed(), markUsed: markUsed(),
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
                demo: settings.access.demo ? demo() : nil),
            ports)
    }

    private func revoke(_ directory: ClientDirectory) -> AuthPorts.Revoke {
        let registry = foundations.registry
        return { revocation, actor throws(RegistryFailure) in
            try RegistryError.failing { () throws(RegistryError) in
                try registry.revoke(revocation, by: actor, at: Clock.now())
            }
            directory.noteRevoked(revocation)
        }
    }

    private func isUsed() -> AuthPorts.IsUsed {
        let registry = foundations.registry
        return { id throws(RegistryFailure) in
            try RegistryError.failing { () throws(RegistryError) in
                try registry.isTokenUsed(id: id)
            }
        }
    }

    private func markUsed() -> AuthPorts.MarkUsed {
        let registry = foundations.registry
        return { id, expiresAt throws(RegistryFailure) in
            try RegistryError.failing { () throws(RegistryError) in
                try registry.markTokenUsed(id: id, expiresAt: expiresAt)
            }
        }
    }

    private func demo() -> DemoConfiguration {
        DemoConfiguration(
            assets: DemoAssets.all, allowedHosts: Origin.of(url: issuer).map { [$0.host] } ?? [],
            signalPath: settings.access.signalPath ?? "/")
    }
}

// MARK: The signalling half

extension Wiring {
    private func relay(
        _ directory: ClientDirectory, _ check: TokenCheck, demo: Client?
    ) throws -> PublicFront.SignallingHalf {
        let ports = admissionPorts(check, clients(directory, demo: demo))
        let admission = Admission(admissionConfiguration, ports)
        let service = Relay(relayConfiguration, relayPorts(ports), ledger: admission.ledger)
        let loops = try SocketLoops(
            count: min(Processors.usableCount, SocketID.loopCountMax), limits: settings.sockets,
            makeHandler: { service.makeHandler(loop: $0) })
        return PublicFront.SignallingHalf(
            admission: admission, service: service, loops: loops,
            path: settings.access.signalPath.map { ByteText($0) })
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
    ) -> @Sendable (String) -> ClientStanding? {
        let lastKnown = LastKnownClients()
        return { id in
            if let demo, ByteText(demo.clientID) == ByteText(id) { return ClientStanding(demo) }
            return lastKnown.client(id) { try directory.client(id).map(ClientStanding.init) }
        }
    }

    private func admissionPorts(
        _ check: TokenCheck, _ clients: @escaping @Sendable (String) -> ClientStanding?
    ) -> AdmissionPorts {
        let registry = foundations.registry
        return AdmissionPorts(
            now: Clock.now, monotonicMilliseconds: Clock.monotonicMilliseconds,
            tokens: check, client: clients,
            markUsed: { [log] tokenID, expiresAt in
                do throws(RegistryError) {
                    let isFresh = try registry.markTokenUsed(id: tokenID, expiresAt: expiresAt)
                    return isFresh ? .fresh : .used
                } catch {
                    log.write("registry_unavailable", [("code", error.code)])
                    return .unavailable
                }
            },
            sha1: Digest.sha1, log: log.write)
    }

    private func relayPorts(_ admission: AdmissionPorts) -> RelayPorts {
        RelayPorts(
            admission, random64: RandomReserve().uint64, random128: SecureRandom.uint128,
            sha256: Digest.sha256, iceServers: iceServers())
    }
}

extension ClientStanding {
    fileprivate init(_ client: Client) {
        self.init(
            isEnabled: client.isEnabled, origins: client.origins,
            legacySecretDigest: client.legacySecret.map(Digest.sha256))
    }
}
