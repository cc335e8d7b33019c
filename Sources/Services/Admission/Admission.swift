internal import Access
internal import Bytes
package import HTTPMessages
internal import Signalling
internal import Synchronization
internal import Tokens
internal import WebSocket

/// What becomes of a request that may be a WebSocket handshake.
package enum AdmissionDecision: Sendable {
    case notAnUpgrade
    case refuse(HTTPResponse)
    /// Answer 101 with exactly these fields and hand the socket, with its admission, to a loop.
    case accept(headers: HeaderFields, admission: SocketAdmission)
}

/// Decides who may connect.
///
/// Safe to use from any thread.
package final class Admission: Sendable {
    let configuration: AdmissionConfiguration
    private let ports: AdmissionPorts
    /// The places of all that was admitted.
    package let ledger: ConnectionLedger
    private let isStopping = Atomic(false)

    package init(_ configuration: AdmissionConfiguration, _ ports: AdmissionPorts) {
        self.configuration = configuration
        self.ports = ports
        ledger = ConnectionLedger(ConnectionCounts(limits: configuration))
    }

    /// How many connections are admitted now.
    package var connectionCount: Int { ledger.total }

    /// Clients were changed, disabled or removed, or tokens revoked. To be called before the loops
    /// are told.
    package func noteRightsChanged() { ledger.noteRightsChanged() }

    /// From now on every handshake is answered 503.
    package func stopAdmitting() { isStopping.store(true, ordering: .relaxed) }

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
    ) -> AdmissionDecision {
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
            return .accept(headers: headers, admission: admission)
        } catch {
            let response = error.response(realm: configuration.realm)
            log(error, response.status, request)
            return .refuse(response)
        }
    }

    private func admission(
        _ request: HTTPRequest, offered: [ByteText], cookie: PresentedToken.Cookie, dialect: Dialect
    ) throws(AdmissionRefusal) -> SocketAdmission {
        let version = ledger.rightsVersion
        let address = try knock(request)
        let query = try QueryParameters(request.query)
        let token = try PresentedToken.find(
            in: request, offered: offered, query: query, cookie: cookie,
            rule: configuration.queryToken, cookieName: configuration.edgeCookieName)
        let claims = try claims(of: token, client: query.client, in: request)
        let admission = try SocketAdmission(
            claims, dialect: dialect, address: address, ledger: ledger, rightsVersion: version)
        if token.source == .query, configuration.queryToken == .oneUse {
            try spend(claims)  // A refusal drops the admission, which gives its place back.
        }
        return admission
    }

    /// Takes from the address's budget, whatever comes of it.
    func knock(_ request: HTTPRequest) throws(AdmissionRefusal) -> AddressGroup {
        guard !isStopping.load(ordering: .relaxed) else { throw .unavailable(reason: "stopping") }
        let address = AddressGroup(request.clientAddress)
        if let hit = ledger.knock(address, at: ports.monotonicMilliseconds()) { throw .limit(hit) }
        return address
    }

    /// What a token says that may open a connection; limits are another matter.
    func claims(
        of token: PresentedToken, client: ByteText?, in request: HTTPRequest
    ) throws(AdmissionRefusal) -> TokenClaims {
        let claims = try Self.good {
            () throws(TokenRefused) in
            try ports.tokens.claims(of: token.text, token.kinds, .verifiers, now: ports.now())
        }
        if let client, client != ByteText(claims.clientID) {
            throw token.source == .cookie
                ? .otherClient : .invalidToken(reason: "client_mismatch")
        }
        let registered = try Self.good {
            () throws(TokenRefused) in
            try ports.client(claims.clientID).check(RevocableToken(claims))
        }
        // A cookie is sent by every page that connects here, so the page must be one that may; the
        // list is never derived from `Host`.
        if token.mustMatchOrigin {
            let origins = registered.origins + configuration.ownOrigins
            if let fault = RequestSource.originFault(request.headers, allowed: origins) {
                throw .originNotAllowed(reason: fault.rawValue)
            }
        }
        try Self.checkScope(claims)
        return claims
    }

    private static func good<Value>(
        _ check: () throws(TokenRefused) -> Value
    ) throws(AdmissionRefusal) -> Value {
        do throws(TokenRefused) {
            return try check()
        } catch {
            throw .invalidToken(reason: error.code)
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
