package import Clients
package import HTTPMessages

/// The HTTP endpoints by which tokens are had and checked (docs/architecture.md §5).
///
/// Pure but for its ports: no I/O, no clock. Safe to call from any thread.
package final class AuthService: Sendable {
    private let tokens: TokenEndpoint
    private let introspection: IntrospectionEndpoint
    private let revocation: RevocationEndpoint
    private let discovery: Discovery
    private let edge: EdgeEndpoint
    private let demo: DemoEndpoints?

    package init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        let gate = ClientGate(configuration, ports)
        tokens = TokenEndpoint(configuration, ports, gate)
        introspection = IntrospectionEndpoint(configuration, ports, gate)
        revocation = RevocationEndpoint(configuration, ports, gate)
        discovery = Discovery(configuration, keySet: ports.keySet)
        edge = EdgeEndpoint(step: configuration.edgeStep)
        demo = configuration.demo.map { DemoEndpoints($0, configuration, ports) }
    }

    /// The client in whose name the demo's tokens are made; nil without a demo. It stands in no
    /// registry.
    package var demoClient: Client? { demo?.client }

    /// Answers a request.
    ///
    /// - Returns: nil where the path is none of ours.
    package func respond(to request: HTTPRequest) -> HTTPResponse? {
        switch request.path {
        case TokenEndpoint.path: tokens.respond(to: request)
        case IntrospectionEndpoint.path: introspection.respond(to: request)
        case RevocationEndpoint.path: revocation.respond(to: request)
        case EdgeEndpoint.path: edge.respond(to: request)
        default: discovery.respond(to: request) ?? demo?.respond(to: request)
        }
    }

    /// Whether requests to this path authenticate a client by themselves, so that the edge step
    /// must not touch their `Authorization`. `path` is as it was sent, without the query.
    package static func authenticatesItself(path: String) -> Bool {
        path.hasPrefix("/oauth2/") || path == EdgeEndpoint.path
    }
}
