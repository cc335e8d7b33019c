internal import Access
internal import Bytes
internal import HTTPMessages
internal import Identifiers
internal import Signalling
internal import Tokens

/// Which tokens open a connection, by whatever door it comes (docs/protocol.md §1).
struct AdmissionRules: Sendable {
    let configuration: AdmissionConfiguration
    /// Seconds since the Unix epoch.
    let now: @Sendable () -> Int64
    let tokens: TokenCheck
    let client: @Sendable (_ id: ClientID) -> ClientStanding?
    let markUsed: @Sendable (_ tokenID: String, _ expiresAt: Int64) -> MarkResult
    let log: @Sendable (_ event: StaticString, _ fields: [(StaticString, String)]) -> Void

    /// What a token says that may open a connection; limits are another matter.
    func claims(
        of token: PresentedToken, client: ClientID?, in request: HTTPRequest
    ) throws(AdmissionRefusal) -> TokenClaims {
        let claims = try Self.good {
            () throws(TokenRefused) in
            try tokens.claims(of: token.text, token.kinds, .verifiers, now: now())
        }
        if let client, client != claims.clientID {
            throw token.source == .cookie
                ? .otherClient : .invalidToken(reason: "client_mismatch")
        }
        let registered = try Self.good {
            () throws(TokenRefused) in
            try self.client(claims.clientID).check(RevocableToken(claims))
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
            // Not the token's fault: it may be shown again.
            throw error == .keysUnavailable
                ? .unavailable(reason: error.code) : .invalidToken(reason: error.code)
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

    /// Uses a token up, where it is of those that open one connection; to be done last.
    func spend(_ token: PresentedToken, _ claims: TokenClaims) throws(AdmissionRefusal) {
        guard token.source == .query, configuration.queryToken == .oneUse else { return }
        switch markUsed(claims.tokenID, claims.expiresAt) {
        case .fresh: return
        case .used: throw .invalidToken(reason: "token_used")
        case .unavailable: throw .unavailable(reason: "used_tokens_unavailable")
        }
    }

    /// The answer to who may not come in, which the log tells of.
    func answer(_ refusal: AdmissionRefusal, to request: HTTPRequest) -> HTTPResponse {
        let response = refusal.response(realm: configuration.realm)
        var fields: [(StaticString, String)] = [
            ("reason", refusal.reason), ("status", String(response.status)),
            ("address", request.clientAddress),
        ]
        if case .originNotAllowed = refusal, let origin = request.headers["Origin"] {
            let printable = origin.utf8.prefix(128).filter { (0x21...0x7E).contains($0) }
            fields.append(("origin", String(decoding: printable, as: UTF8.self)))
        }
        log("connection_refused", fields)
        return response
    }
}
