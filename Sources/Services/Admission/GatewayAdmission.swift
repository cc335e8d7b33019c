package import Access
package import Bytes
package import HTTPMessages
package import Identifiers
package import Signalling
internal import Tokens
internal import WebSocket

/// What becomes of a connection that a gateway in front of us holds.
package enum GatewayDecision: Sendable {
    case refuse(HTTPResponse)
    /// Let it in, and select this subprotocol, where there is one.
    case accept(subprotocol: ByteText?, dialect: Dialect, grant: TokenGrant)
}

/// The other door: a gateway does the handshake of RFC 6455 and counts connections, and asks who
/// may come in.
package struct GatewayAdmission: Sendable {
    private let rules: AdmissionRules

    /// The closures are as in `AdmissionPorts`; of the configuration, limits are the gateway's.
    package init(
        _ configuration: AdmissionConfiguration, now: @escaping @Sendable () -> Int64,
        tokens: TokenCheck, client: @escaping @Sendable (ClientID) -> ClientStanding?,
        markUsed: @escaping @Sendable (String, Int64) -> MarkResult,
        log: @escaping @Sendable (StaticString, [(StaticString, String)]) -> Void
    ) {
        rules = AdmissionRules(
            configuration: configuration, now: now, tokens: tokens, client: client,
            markUsed: markUsed, log: log)
    }

    /// Decides by the rules of `Admission.admit`.
    ///
    /// - Parameters:
    ///   - request: After the edge step; its query and body count for nothing.
    ///   - parameters: Of the query, decoded.
    ///   - fromCookie: Whether the edge step made its `Authorization` from the cookie.
    ///   - cookieFault: Why it could not, for people; matters where there is no other token.
    /// - Returns: What was admitted, or how it is refused.
    package func admit(
        _ request: HTTPRequest, parameters: [(name: ByteText, value: ByteText)],
        fromCookie: Bool, cookieFault: String?
    ) -> GatewayDecision {
        let offered: [ByteText]
        switch WebSocketHandshake.offered(by: request.headers) {
        case .success(let list): offered = list
        case .failure(let refusal): return .refuse(refusal.response)
        }
        let (dialect, subprotocol) = Dialect.negotiated(offered: offered)
        do {
            let configuration = rules.configuration
            let query = try QueryParameters(parameters)
            let token = try PresentedToken.find(
                in: request, offered: offered, query: query,
                cookie: PresentedToken.Cookie(isUsed: fromCookie, fault: cookieFault),
                rule: configuration.queryToken, cookieName: configuration.edgeCookieName)
            let claims = try rules.claims(of: token, client: query.client, in: request)
            try rules.spend(token, claims)
            return .accept(
                subprotocol: subprotocol, dialect: dialect, grant: TokenGrant(claims))
        } catch {
            return .refuse(rules.answer(error, to: request))
        }
    }

    /// Nobody can be let in for now; `reason` is for the log.
    package func unavailable(_ request: HTTPRequest, reason: String) -> HTTPResponse {
        rules.answer(.unavailable(reason: reason), to: request)
    }
}
