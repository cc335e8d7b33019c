internal import Access
internal import Admission
internal import Bytes
internal import Edge
internal import HTTPMessages
internal import ICEServers
internal import Identifiers
internal import Locking
internal import Sessions
internal import Signalling
internal import Tokens

// `$connect`: who may come in, and with what a session begins (docs/protocol.md §1).
extension ServerlessRelay {
    /// The connection and its session are items before the gateway has the answer; after it the
    /// client can be told.
    func connect(
        _ gateway: ByteText, _ request: HTTPRequest, _ parameters: [FunctionEvent.Parameter],
        _ invoked: Invoked
    ) -> Answer {
        let step = EdgeStep(cookieName: configuration.edgeCookieName).prepare(request.headers)
        var request = request
        request.headers = step.headers
        let rights = Rights(store)
        let admission = admission(rights)
        let decision = admission.admit(
            request, parameters: parameters.map { ($0.name, $0.value) },
            fromCookie: step.fromCookie, cookieFault: step.refusal?.description)
        let response: HTTPResponse
        switch decision {
        // Nobody may come in of whom it is not known that he still may.
        case _ where rights.areUnknown:
            response = admission.unavailable(request, reason: "revocations_unavailable")
        case .refuse(let refusal): response = refusal
        case .accept(let subprotocol, let dialect, let grant):
            do throws(StoreFault) {
                let begun = try begin(gateway, dialect, grant, invoked)
                return Answer(reply: FunctionReply.accepted(subprotocol: subprotocol), after: begun)
            } catch {
                note("connection_failed", error)
                response = admission.unavailable(request, reason: "store_unavailable")
            }
        }
        return Answer(reply: FunctionReply.refused(response), after: nil)
    }

    private func admission(_ rights: Rights) -> GatewayAdmission {
        let digests = configuration.legacySecretDigests
        return GatewayAdmission(
            AdmissionConfiguration(
                ownOrigins: configuration.origins, queryToken: configuration.queryToken,
                realm: configuration.realm, edgeCookieName: configuration.edgeCookieName.string),
            now: ports.now,
            tokens: TokenCheck(verify: verify, isRevoked: { rights.areLost($0) }),
            client: { ClientStanding(isEnabled: true, legacySecretDigest: digests[$0]) },
            markUsed: { [store] in store.markUsed(tokenID: $0, expiresAt: $1) }, log: ports.log)
    }

    /// - Returns: What is left to be done once the gateway has been answered.
    private func begin(
        _ gateway: ByteText, _ dialect: Dialect, _ grant: TokenGrant, _ invoked: Invoked
    ) throws(StoreFault) -> (() -> Void)? {
        let connection = ConnectionID(raw: randomBits())
        guard dialect == .v1 else {
            try store.open(
                gateway: gateway, connection: connection, dialect: dialect, grant: grant,
                secret: nil, welcome: nil, in: invoked)
            return nil
        }
        let secret = SessionSecret(bits: randomBits(), of: connection)
        try store.open(
            gateway: gateway, connection: connection, dialect: dialect, grant: grant,
            secret: digest(secret), welcome: welcome(connection, secret, grant), in: invoked)
        store.noteGood(connection)
        return {
            watch(connection, grant)
            do throws(StoreFault) {
                try store.drain(connection, in: invoked)
            } catch {
                note("welcome_failed", error)
            }
        }
    }

    private func welcome(
        _ connection: ConnectionID, _ secret: SessionSecret, _ grant: TokenGrant
    ) -> [UInt8] {
        let now = ports.now()
        let ice = configuration.iceServers.offer(to: grant.token.subject, now: now) {
            Base64.encode(ports.hmacSHA1($0))
        }
        var composer = EventComposer()
        let event = composer.welcome(
            connection, secret, expiresAt: grant.expiresAt, now: now, iceServers: ice.json,
            iceServersExpireAt: ice.expiresAt,
            .init(
                messageBytesMax: configuration.maxMessageBytes,
                roomsMax: configuration.roomsPerConnectionMax,
                pingIntervalSeconds: configuration.pingIntervalSeconds, messagesInFlight: 1))
        return KeptEvent(event).sent(as: nil)
    }

    func digest(_ secret: SessionSecret) -> SecretDigest {
        SecretDigest(sha256: ports.sha256(Array(secret.text.utf8)))
    }

    func randomBits<Bits: FixedWidthInteger>() -> Bits {
        ports.random(Bits.bitWidth / 8).reduce(0) { $0 << 8 | Bits(truncatingIfNeeded: $1) }
    }
}

/// What is known of a token's revocation while somebody waits to be let in.
private final class Rights: Sendable {
    private let store: Store
    private let isUnknown = Lock(false)

    init(_ store: Store) { self.store = store }

    /// Whether the table was asked and did not say.
    var areUnknown: Bool { isUnknown.withLock { $0 } }

    func areLost(_ token: RevocableToken) -> Bool {
        do throws(StoreFault) {
            return try store.isRevoked(token)
        } catch {
            isUnknown.withLock { $0 = true }
            return true
        }
    }
}
