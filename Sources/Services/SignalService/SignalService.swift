internal import Bytes
package import HTTPMessages
internal import Rooms
internal import Shares
internal import Signalling
internal import StrictJSON
internal import Synchronization
internal import Tokens
internal import WebSocket

/// What becomes of a request that may be a WebSocket handshake.
package enum SignalDecision: Sendable {
    case notAnUpgrade
    case refuse(HTTPResponse)
    /// Answer 101 with exactly these fields and hand the socket, with its admission, to a loop:
    /// loop `affinity` modulo their number where it is given, so that a room's members share one.
    case accept(headers: HeaderFields, admission: SocketAdmission, affinity: Int?)
}

/// The relay: decides who may connect, and makes the handlers that run the conversations.
///
/// Safe to use from any thread.
package final class SignalService: Sendable {
    let configuration: SignalConfiguration
    let ports: SignalPorts
    let ledger: ConnectionLedger
    let commons: RelayCommons

    package init(_ configuration: SignalConfiguration, _ ports: SignalPorts) {
        self.configuration = configuration
        self.ports = ports
        ledger = ConnectionLedger(ConnectionCounts(limits: configuration))
        commons = RelayCommons(configuration, ports, ledger)
    }

    /// How many connections are admitted now.
    package var connectionCount: Int { ledger.total }
    /// How many rooms have members now.
    package var roomCount: Int { commons.rooms.count }
    /// How many v1 sessions there are now, those included whose client is away.
    package var sessionCount: Int { commons.sessions.count }
    /// Bytes of events that are kept, of clients who are there and who are away.
    package var heldBytes: Int { commons.bytesHeld.total + commons.bytesAway.total }
    /// All rooms with their members, for an operator: ordered by client and name, and members in
    /// the order of joining. Each table is looked at by itself, not all at one moment.
    package func rooms() -> [RoomSummary] {
        RoomSummary.all(
            commons.rooms.contents, atMilliseconds: ports.monotonicMilliseconds())
    }

    /// What was counted, up to about a second ago.
    package var figures: RelayFigures {
        var figures = commons.figures.total
        let losses = commons.bytesAway.losses
        figures.ended[.bytesOfClient] = losses[.clientShare]
        figures.ended[.bytes] = losses[.whole]
        figures.ended[.connections] = ledger.awayEnded
        let forgotten = commons.bytesHeld.losses
        figures.forgotten[.bytesOfClient] = forgotten[.clientShare]
        figures.forgotten[.bytes] = forgotten[.whole]
        return figures
    }

    /// From now on every handshake is answered 503, and what sessions keep is bounded on the shelf.
    package func stopAdmitting() { commons.isStopping.store(true, ordering: .relaxed) }

    /// The handler of one loop; all handlers of a service share its rooms.
    package func makeHandler(loop: Int) -> RelayHandler { RelayHandler(commons) }

    /// Decides about a handshake before it is answered (PROTOCOL §1).
    ///
    /// Checks run cheapest first: the handshake's form, the address's budget, the request's
    /// parameters, the token, its client, the Origin, the scope, the other limits; a one-use token
    /// is marked last. Verifying takes its time, and marking writes to a disk, so call it on a
    /// thread that may wait.
    ///
    /// - Parameters:
    ///   - request: After the edge step.
    ///   - fromCookie: Whether the edge step made its `Authorization` from the cookie.
    ///   - cookieFault: Why it could not, for people; matters where there is no other token.
    /// - Returns: What to answer.
    package func admit(
        _ request: HTTPRequest, fromCookie: Bool, cookieFault: String? = nil
    ) -> SignalDecision {
        let handshake: WebSocketHandshake
        switch WebSocketHandshake.check(request) {
        case .notAnUpgrade: return .notAnUpgrade
        case .refused(let response): return .refuse(response)
        case .accepted(let accepted): handshake = accepted
        }
        let (dialect, subprotocol) = Dialect.negotiated(offered: handshake.subprotocols)
        do {
            let admission = try admission(
                request, offered: handshake.subprotocols,
                cookie: PresentedToken.Cookie(isUsed: fromCookie, fault: cookieFault),
                dialect: dialect)
            let headers = handshake.responseHeaders(sha1: ports.sha1, subprotocol: subprotocol)
            return .accept(
                headers: headers, admission: admission, affinity: affinity(admission))
        } catch {
            let response = error.response(realm: configuration.realm)
            log(error, response.status, request)
            return .refuse(response)
        }
    }

    private func admission(
        _ request: HTTPRequest, offered: [ByteText], cookie: PresentedToken.Cookie, dialect: Dialect
    ) throws(AdmissionRefusal) -> SocketAdmission {
        let address = try knock(request)
        let query = try QueryParameters(request.query)
        let token = try PresentedToken.find(
            in: request, offered: offered, query: query, cookie: cookie,
            rule: configuration.queryToken, cookieName: configuration.edgeCookieName)
        let claims = try claims(of: token, client: query.client, in: request)
        let admission = try SocketAdmission(
            claims, dialect: dialect, address: address, ledger: ledger)
        if token.source == .query, configuration.queryToken == .oneUse {
            try spend(claims)  // A refusal drops the admission, which gives its place back.
        }
        return admission
    }

    /// Takes from the address's budget, whatever comes of it.
    func knock(_ request: HTTPRequest) throws(AdmissionRefusal) -> AddressKey {
        guard !commons.isStopping.load(ordering: .relaxed) else {
            throw .unavailable(reason: "stopping")
        }
        let address = AddressKey(request.clientAddress)
        if let hit = ledger.knock(address, at: ports.monotonicMilliseconds()) { throw .limit(hit) }
        return address
    }

    /// What a token says that may open a connection; limits are another matter.
    func claims(
        of token: PresentedToken, client: ByteText?, in request: HTTPRequest
    ) throws(AdmissionRefusal) -> TokenClaims {
        let claims = try claims(of: token, client: client)
        let registered = try self.client(of: claims)
        if token.mustMatchOrigin { try checkOrigin(request, of: registered) }
        try Self.checkScope(claims)
        return claims
    }

    private func claims(
        of token: PresentedToken, client: ByteText?
    ) throws(AdmissionRefusal) -> TokenClaims {
        let claims: TokenClaims
        switch ports.verify(token.text.string, token.kinds, ports.now()) {
        case .success(let verified): claims = verified
        case .failure(let refused): throw .invalidToken(reason: refused.code)
        }
        guard !ports.isRevoked(RevocableToken(claims)) else {
            throw .invalidToken(reason: "token_revoked")
        }
        if let client, client != ByteText(claims.clientID) {
            throw token.source == .cookie
                ? .otherClient : .invalidToken(reason: "client_mismatch")
        }
        return claims
    }

    private func client(of claims: TokenClaims) throws(AdmissionRefusal) -> SignalClient {
        guard let client = ports.client(claims.clientID) else {
            throw .invalidToken(reason: "client_unknown")
        }
        guard client.isEnabled else { throw .invalidToken(reason: "client_disabled") }
        return client
    }

    /// A cookie is sent by every page that connects here, so the page must be one that may; the
    /// list is never derived from `Host`.
    private func checkOrigin(
        _ request: HTTPRequest, of client: SignalClient
    ) throws(AdmissionRefusal) {
        let origins = request.headers.values("Origin")
        guard let origin = origins.first else {
            throw .originNotAllowed(reason: "origin_missing")
        }
        guard origins.count == 1 else { throw .originNotAllowed(reason: "origin_repeated") }
        guard Origin.isAllowed(origin: origin, allowed: client.origins + configuration.ownOrigins)
        else {
            throw .originNotAllowed(reason: "origin_not_allowed")
        }
    }

    /// An access token says `signal`. A session token says `session`, which stands for all that its
    /// holder's page may do, and then rooms are what makes it a token for this.
    private static func checkScope(_ claims: TokenClaims) throws(AdmissionRefusal) {
        switch claims.kind {
        case .access, .legacy:
            guard claims.has(scope: "signal") else {
                throw .insufficientScope(needed: "the scope signal")
            }
        case .session:
            guard claims.has(scope: "session"), !claims.rooms.isEmpty else {
                throw .insufficientScope(needed: "the scope session and rooms")
            }
        }
    }

    private func spend(_ claims: TokenClaims) throws(AdmissionRefusal) {
        switch ports.markUsed(claims.tokenID, claims.expiresAt) {
        case .fresh: return
        case .used: throw .invalidToken(reason: "token_used")
        case .unavailable: throw .unavailable(reason: "used_tokens_unavailable")
        }
    }

    /// Where the token is for one room, that room's loop; else none is better than another.
    private func affinity(_ admission: SocketAdmission) -> Int? {
        guard admission.rooms.count == 1, let room = admission.rooms.first,
            room.text.utf8.last != UInt8(ascii: "*")
        else { return nil }
        return commons.key(clientID: admission.clientID, room: room.text).affinity
    }

    private func log(_ refusal: AdmissionRefusal, _ status: Int, _ request: HTTPRequest) {
        var fields: [(StaticString, String)] = [
            ("reason", refusal.reason), ("status", String(status)),
            ("address", request.clientAddress),
        ]
        if case .originNotAllowed = refusal, let origin = request.headers["Origin"] {
            let printable = origin.utf8.prefix(128).filter { (0x21...0x7E).contains($0) }
            fields.append(("origin", String(decoding: printable, as: UTF8.self)))
        }
        ports.log("connection_refused", fields)
    }
}
