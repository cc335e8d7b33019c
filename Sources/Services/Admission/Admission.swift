internal import Access
internal import Bytes
package import HTTPMessages
internal import Signalling
internal import Synchronization
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
    let rules: AdmissionRules
    /// The places of all that was admitted.
    package let ledger: ConnectionLedger
    private let isStopping = Atomic(false)

    package init(_ configuration: AdmissionConfiguration, _ ports: AdmissionPorts) {
        self.configuration = configuration
        self.ports = ports
        rules = AdmissionRules(
            configuration: configuration, now: ports.now, tokens: ports.tokens,
            client: ports.client, markUsed: ports.markUsed, log: ports.log)
        ledger = ConnectionLedger(ConnectionCounts(limits: configuration))
    }

    /// Clients were changed, disabled or removed, or tokens revoked. To be called before the loops
    /// are told.
    package func noteRightsChanged() { ledger.noteRightsChanged() }

    /// From now on every handshake is answered 503.
    package func stopAdmitting() { isStopping.store(true, ordering: .relaxed) }

    /// Decides about a handshake before it is answered (docs/protocol.md §1).
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
            return .refuse(rules.answer(error, to: request))
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
        let claims = try rules.claims(of: token, client: query.client, in: request)
        let admission = try SocketAdmission(
            claims, dialect: dialect, address: address, ledger: ledger, rightsVersion: version)
        try rules.spend(token, claims)  // A refusal drops the admission and gives its place back.
        return admission
    }

    /// Takes from the address's budget, whatever comes of it.
    func knock(_ request: HTTPRequest) throws(AdmissionRefusal) -> AddressGroup {
        guard !isStopping.load(ordering: .relaxed) else { throw .unavailable(reason: "stopping") }
        let address = AddressGroup(request.clientAddress)
        if let hit = ledger.knock(address, at: ports.monotonicMilliseconds()) { throw .limit(hit) }
        return address
    }
}
