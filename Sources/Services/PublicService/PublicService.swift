package import Admission
package import AuthService
package import Bytes
package import Edge
package import HTTPMessages

/// What stands behind the public port: the middleware, in its order, and then the routes of both
/// halves (docs/architecture.md §5).
package struct PublicService: Sendable {
    /// The signalling half.
    package struct Relay: Sendable {
        package typealias Upgrade = @Sendable (HeaderFields, SocketAdmission) -> HTTPOutcome

        let admission: Admission
        let path: ByteText?
        let check: @Sendable (HTTPRequest) -> HTTPResponse
        let upgrade: Upgrade
        /// Whether a handshake may use its token up.
        let marksTokens: Bool

        /// - Parameters:
        ///   - admission: Decides about handshakes.
        ///   - path: The one path it answers on; nil for every path that is no route.
        ///   - marksTokens: Whether a handshake may use its token up.
        ///   - check: Answers at `Admission.checkPath`.
        ///   - upgrade: What becomes of a connection that is answered 101 with these fields.
        package init(
            _ admission: Admission, path: ByteText?, marksTokens: Bool = false,
            check: @escaping @Sendable (HTTPRequest) -> HTTPResponse, upgrade: @escaping Upgrade
        ) {
            self.admission = admission
            self.path = path
            self.marksTokens = marksTokens
            self.check = check
            self.upgrade = upgrade
        }
    }

    /// The routes that have names; those of a demo have none.
    package static let routes = AuthService.paths + [Admission.checkPath]

    private let allowPlainHTTP: Bool
    private let edge: EdgeStep
    private let auth: AuthService?
    private let relay: Relay?
    private let count: @Sendable (_ path: ByteText, _ status: Int) -> Void

    /// A half that the process does not serve is nil; `count` is called for each answer.
    package init(
        allowPlainHTTP: Bool, edge: EdgeStep, auth: AuthService?, relay: Relay?,
        count: @escaping @Sendable (_ path: ByteText, _ status: Int) -> Void
    ) {
        self.allowPlainHTTP = allowPlainHTTP
        self.edge = edge
        self.auth = auth
        self.relay = relay
        self.count = count
    }

    @Sendable package func outcome(of request: HTTPRequest) -> HTTPOutcome {
        let outcome = uncounted(request)
        switch outcome {
        case .response(let response): count(request.path, response.status)
        case .upgrade: count(request.path, 101)
        case .stream: count(request.path, 200)
        }
        return outcome
    }

    /// Whether the answer may have to wait for the registry, where that is another machine's.
    @Sendable package func mayWait(_ request: HTTPRequest) -> Bool {
        if auth != nil, AuthService.mayWait(request) { return true }
        return relay?.marksTokens == true && request.headers.contains("Upgrade")
    }

    private func uncounted(_ request: HTTPRequest) -> HTTPOutcome {
        // Tokens and secrets travel over TLS (RFC 6749 §3.2, RFC 6750 §5.3).
        guard request.isProtected || allowPlainHTTP else {
            let asks = request.path == Admission.checkPath
            return .response(asks ? Admission.shared(Self.httpsRequired) : Self.httpsRequired)
        }
        // No cookie counts there, whatever it holds.
        if request.path == Admission.checkPath, let relay {
            return .response(relay.check(request))
        }
        guard !AuthService.authenticatesItself(request) else {
            let untouched = EdgeResult(headers: request.headers, fromCookie: false)
            return outcome(of: request, untouched)
        }
        let step = edge.prepare(request.headers)
        var prepared = request
        prepared.headers = step.headers
        return outcome(of: prepared, step)
    }

    private func outcome(of request: HTTPRequest, _ step: EdgeResult) -> HTTPOutcome {
        let response = auth?.respond(
            to: request, fromCookie: step.fromCookie, cookieRefusal: step.refusal)
        if let response { return .response(response) }
        return relay?.outcome(of: request, step) ?? .response(Self.notFound)
    }

    private static let httpsRequired = HTTPResponse.refusal(
        400, "invalid_request",
        "https is required from other machines; behind a proxy, X-Forwarded-Proto must say so")
    private static let notFound = HTTPResponse.refusal(
        404, "not_found", "there is nothing under this path")
}

extension PublicService.Relay {
    /// Nil where the request is no WebSocket handshake for the relay.
    fileprivate func outcome(of request: HTTPRequest, _ step: EdgeResult) -> HTTPOutcome? {
        guard path == nil || path == request.path else { return nil }
        let decision = admission.admit(
            request, fromCookie: step.fromCookie, cookieFault: step.refusal?.description)
        return switch decision {
        case .notAnUpgrade: nil
        case .refuse(let response): .response(response)
        case .accept(let headers, let admission): upgrade(headers, admission)
        }
    }
}
