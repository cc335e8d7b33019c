package import Bytes
package import Clients
package import Edge
package import HTTPMessages

/// The HTTP endpoints by which tokens are had and checked (docs/architecture.md §5).
///
/// Pure but for its ports: no I/O, no clock. Safe to call from any thread.
package final class AuthService: Sendable {
    private let tokens: TokenEndpoint
    private let introspection: IntrospectionEndpoint
    private let revocation: RevocationEndpoint
    private let registration: RegistrationEndpoint?
    private let registered: RegisteredClientEndpoint?
    private let discovery: Discovery
    private let edge: EdgeEndpoint
    private let edgeAuth: EdgeAuthEndpoint
    private let sessions: SessionEndpoint
    private let iceServers: ICEServersEndpoint
    private let demo: DemoEndpoints?

    package init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        let gate = ClientGate(configuration, ports)
        tokens = TokenEndpoint(configuration, ports, gate)
        introspection = IntrospectionEndpoint(configuration, ports, gate)
        revocation = RevocationEndpoint(configuration, ports, gate)
        registration = ports.registrations.map {
            RegistrationEndpoint(configuration, ports, $0, gate)
        }
        registered = ports.registrations.map {
            RegisteredClientEndpoint(configuration, ports, $0, gate)
        }
        discovery = Discovery(configuration, ports)
        edge = EdgeEndpoint(step: configuration.edgeStep)
        edgeAuth = EdgeAuthEndpoint(configuration, ports)
        sessions = SessionEndpoint(configuration, ports, gate)
        iceServers = ICEServersEndpoint(
            configuration, ports, gate,
            demoClient: configuration.demo.map { _ in
                Self.demoClient(atSecondsSinceEpoch: ports.now())
            })
        demo = configuration.demo.map { DemoEndpoints($0, configuration, ports) }
    }

    /// The client in whose name the demo's tokens are made; it stands in no registry. `now` is in
    /// seconds since the Unix epoch.
    package static func demoClient(atSecondsSinceEpoch now: Int64) -> Client {
        DemoEndpoints.client(atSecondsSinceEpoch: now)
    }

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - request: After the edge step.
    ///   - fromCookie: Whether that made its `Authorization` from the cookie.
    ///   - cookieRefusal: Why it could not; matters where the cookie would be used.
    /// - Returns: nil where the path is none of ours.
    package func respond(
        to request: HTTPRequest, fromCookie: Bool = false, cookieRefusal: EdgeRefusal? = nil
    ) -> HTTPResponse? {
        switch request.path {
        case TokenEndpoint.path: tokens.respond(to: request)
        case IntrospectionEndpoint.path: introspection.respond(to: request)
        case RevocationEndpoint.path: revocation.respond(to: request)
        case EdgeEndpoint.path: edge.respond(to: request)
        case ICEServersEndpoint.path:
            iceServers.respond(
                to: request, fromCookie: fromCookie, cookieRefusal: cookieRefusal)
        default:
            discovery.respond(to: request)
                ?? sessions.respond(to: request, cookieRefusal: cookieRefusal)
                ?? registrationResponse(to: request) ?? demo?.respond(to: request)
        }
    }

    /// The path of `edgeAuthResponse`.
    package static let edgeAuthPath = EdgeAuthEndpoint.path

    /// Answers `GET /edge/auth`, which must not be reached from the public port.
    package func edgeAuthResponse(to request: HTTPRequest) -> HTTPResponse {
        edgeAuth.respond(to: request)
    }

    private func registrationResponse(to request: HTTPRequest) -> HTTPResponse? {
        if request.path == RegistrationEndpoint.path { return registration?.respond(to: request) }
        guard request.path.hasPrefix(RegisteredClientEndpoint.prefix) else { return nil }
        return registered?.respond(to: request)
    }

    /// The paths that are answered here, but for a demo's.
    package static var paths: [ByteText] { Route.all.map(\.path) }

    /// Whether a request authenticates its sender by itself, or ends whatever the cookie holds, so
    /// that the edge step must not touch its `Authorization` and `Cookie`.
    package static func authenticatesItself(_ request: HTTPRequest) -> Bool {
        let path = request.path
        return path.hasPrefix("/oauth2/") || path == EdgeEndpoint.path
            || path == SessionEndpoint.path
                && (request.method == "POST" || request.method == "DELETE")
    }
}
