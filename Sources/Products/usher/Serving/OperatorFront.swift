import Edge
import HTTPMessages

/// What stands behind the operator's port: health, for whoever runs the process.
struct OperatorFront: Sendable {
    let isReady: @Sendable () -> Bool

    func outcome(of request: HTTPRequest) -> HTTPOutcome {
        .response(response(to: request))
    }

    private func response(to request: HTTPRequest) -> HTTPResponse {
        guard hasLocalHost(request) else {
            return PublicFront.error(
                403, "host_not_allowed", "Host must be an IP address or localhost")
        }
        guard request.headers["Origin"] == nil else {
            return PublicFront.error(
                403, "origin_not_allowed", "pages of other origins may not ask here")
        }
        guard ["/livez", "/readyz"].contains(request.path) else {
            return PublicFront.error(404, "not_found", "try /livez or /readyz")
        }
        guard request.method == "GET" || request.method == "HEAD" else {
            var refusal = PublicFront.error(405, "method_not_allowed", "use GET")
            refusal.headers.set("Allow", "GET, HEAD")
            return refusal
        }
        guard request.path == "/livez" || isReady() else {
            return .json(503, Array(#"{"status":"not_ready"}"#.utf8))
        }
        return .json(200, Array(#"{"status":"ok"}"#.utf8))
    }

    /// A page can point a name of its own at this address, but not an IP literal or `localhost`.
    private func hasLocalHost(_ request: HTTPRequest) -> Bool {
        let hosts = request.headers.values("Host")
        guard hosts.count == 1, let asked = Origin.of(host: hosts[0]) else { return false }
        return asked.isAddress || asked.isLoopback
    }
}
