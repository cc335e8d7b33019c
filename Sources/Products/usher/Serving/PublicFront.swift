import Admission
import AuthService
import Bytes
import Edge
import HTTPMessages
import Relay
import SocketLoop
import StrictJSON

/// What stands behind the public port: the middleware, in its order, and then the routes.
struct PublicFront: Sendable {
    let allowPlainHTTP: Bool
    let edge: EdgeStep
    let auth: AuthService?
    let relay: SignallingHalf?
    let counts = HTTPCounts(routes: AuthService.paths + [Admission.checkPath])

    /// The signalling half.
    struct SignallingHalf: Sendable {
        let admission: Admission
        let service: Relay
        let loops: SocketLoops<RelayHandler>
        /// The one path it answers on; nil for every path that is no route.
        let path: ByteText?
    }

    func outcome(of request: HTTPRequest) -> HTTPOutcome {
        let outcome = uncounted(request)
        switch outcome {
        case .response(let response): counts.count(path: request.path, status: response.status)
        case .upgrade: counts.count(path: request.path, status: 101)
        case .stream: counts.count(path: request.path, status: 200)
        }
        return outcome
    }

    private func uncounted(_ request: HTTPRequest) -> HTTPOutcome {
        // Tokens and secrets travel over TLS (RFC 6749 §3.2, RFC 6750 §5.3).
        guard request.isProtected || allowPlainHTTP else {
            let asks = request.path == Admission.checkPath
            return .response(asks ? Admission.shared(Self.httpsRequired) : Self.httpsRequired)
        }
        // No cookie counts there, whatever it holds.
        if request.path == Admission.checkPath, let relay {
            return .response(
                relay.admission.check(request, refusal: relay.service.refusal))
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

    private static let httpsRequired = error(
        400, "invalid_request",
        "https is required from other machines; behind a proxy, X-Forwarded-Proto must say so")
    private static let notFound = error(404, "not_found", "there is nothing under this path")

    static func error(_ status: Int, _ code: String, _ description: String) -> HTTPResponse {
        let body: JSONValue = [
            "error": .string(code), "error_description": .string(description),
        ]
        return .json(status, body.serialized())
    }
}

extension PublicFront.SignallingHalf {
    /// Nil where the request is no WebSocket handshake for the relay.
    func outcome(of request: HTTPRequest, _ step: EdgeResult) -> HTTPOutcome? {
        guard path == nil || path == request.path else { return nil }
        let decision = admission.admit(
            request, fromCookie: step.fromCookie, cookieFault: step.refusal?.description)
        switch decision {
        case .notAnUpgrade: return nil
        case .refuse(let response): return .response(response)
        case .accept(let headers, let admission):
            let affinity = service.affinity(of: admission)
            return .upgrade(headers: headers) { [loops] socket in
                loops.adopt(
                    socket.descriptor, earlyBytes: socket.earlyBytes, admission: admission,
                    affinity: affinity, onClosed: socket.onClosed)
            }
        }
    }
}
