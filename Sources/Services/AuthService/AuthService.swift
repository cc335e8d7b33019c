package import Bytes
package import Clients
package import Edge
package import HTTPMessages

/// The HTTP endpoints by which tokens are had and checked (docs/architecture.md §5).
///
/// Pure but for its ports: no I/O, no clock. Safe to call from any thread.
package final class AuthService: Sendable {
    private let commons: AuthCommons
    let tokens: TokenEndpoint
    let introspection: IntrospectionEndpoint
    let revocation: RevocationEndpoint
    let registration: RegistrationEndpoint?
    let registered: RegisteredClientEndpoint?
    let discovery: Discovery
    let edge: EdgeEndpoint
    let sessions: SessionEndpoint
    let iceServers: ICEServersEndpoint
    private let edgeAuth: EdgeAuthEndpoint
    private let demo: DemoEndpoints?

    package init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        commons = AuthCommons(configuration, ports)
        tokens = TokenEndpoint(commons)
        introspection = IntrospectionEndpoint(commons)
        revocation = RevocationEndpoint(commons)
        registration = ports.registrations.map { [commons] in RegistrationEndpoint(commons, $0) }
        registered = ports.registrations.map { [commons] in RegisteredClientEndpoint(commons, $0) }
        discovery = Discovery(configuration, ports)
        edge = EdgeEndpoint(step: configuration.edgeStep)
        edgeAuth = EdgeAuthEndpoint(commons: commons)
        sessions = SessionEndpoint(commons)
        demo = configuration.demo.map { [commons] in DemoEndpoints($0, commons) }
        iceServers = ICEServersEndpoint(commons, demoClient: demo?.client)
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
        guard let place = place(of: request.path) else { return demo?.respond(to: request) }
        let route = Route.all[place]
        guard let endpoint = route.endpoint(self) else { return nil }
        if request.method == "OPTIONS", let readers = route.readers {
            return commons.pages.preflight(request, methods: route.methods, readers: readers)
        }
        let call = Call(
            request: request, fromCookie: fromCookie, cookieRefusal: cookieRefusal,
            now: commons.ports.now())
        var response: HTTPResponse
        do throws(OAuthRefusal) {
            try call.check(route.methods)
            if route.isCounted { try commons.countAddress(of: call) }
            response = try endpoint.answer(call)
        } catch {
            response = error.response
        }
        guard let readers = route.readers else { return response }
        // Whoever sends a token by hand may read what it is good for.
        for (name, value) in commons.pages.sharing(with: request, fromCookie ? .listed : readers) {
            response.headers.add(name, value)
        }
        return response
    }

    private func place(of path: ByteText) -> Int? {
        Route.place(of: discovery.isMetadata(path) ? Discovery.wellKnown : path)
    }

    /// The path of `edgeAuthResponse`.
    package static let edgeAuthPath = EdgeAuthEndpoint.path

    /// Answers `GET /edge/auth` and nothing else. Must not be reached from the public port.
    package func edgeAuthResponse(to request: HTTPRequest) -> HTTPResponse {
        edgeAuth.respond(to: request)
    }

    /// The paths that are answered here, but for a demo's.
    package static var paths: [ByteText] { Route.paths }

    /// Whether a request authenticates its sender by itself, or ends whatever the cookie holds, so
    /// that the edge step must not touch its `Authorization` and `Cookie`.
    package static func authenticatesItself(_ request: HTTPRequest) -> Bool {
        Route.place(of: request.path).map { Route.all[$0].isBeyondEdge } ?? false
    }

    /// Whether the answer may have to wait for the registry, where that is another machine's: what
    /// is stored there. What is only looked up is known, but for a client's first request.
    package static func mayWait(_ request: HTTPRequest) -> Bool {
        Route.place(of: request.path).map { Route.all[$0].mayWait(request) } ?? false
    }
}
