import AuthService
import Bytes
import HTTPMessages

/// What stands behind `--edge-listen`: the question of a reverse proxy, and nothing else.
struct EdgeFront: Sendable {
    let auth: AuthService
    /// Beside this machine.
    let proxies: [CIDR]

    func outcome(of request: HTTPRequest) -> HTTPOutcome {
        // The answer hands a token out: it goes to those who pass requests on, and nobody else.
        guard request.isProtected || proxies.contains(where: { $0.contains(request.peerAddress) })
        else {
            return .response(
                PublicFront.error(
                    403, "address_not_allowed", "only proxies of --trusted-proxy may ask here"))
        }
        guard request.path == AuthService.edgeAuthPath else {
            return .response(
                PublicFront.error(404, "not_found", "try \(AuthService.edgeAuthPath)"))
        }
        return .response(auth.edgeAuthResponse(to: request))
    }
}
