import Bytes
import Edge
import HTTPMessages

/// What answers at a path, or at several.
protocol Endpoint: Sendable {
    func answer(_ call: Call) throws(OAuthRefusal) -> HTTPResponse
}

/// A request to an endpoint, as `AuthService.respond` has it.
struct Call {
    let request: HTTPRequest
    let fromCookie: Bool
    let cookieRefusal: EdgeRefusal?
    /// Seconds since the Unix epoch.
    let now: Int64
}

/// A path that `AuthService` answers, what may be sent to it, and who answers: what
/// `docs/openapi.json` is held against is what is served.
struct Route: Sendable {
    let path: ByteText
    /// Every other one is answered with 405 and these in `Allow`.
    let methods: [ByteText]
    /// Names of the form's fields, or of the JSON body's members.
    var parameters: [ByteText] = []
    /// Which pages of other origins may read the answers; nil where the endpoint says so itself.
    var readers: PageRules.Readers?
    /// Whether the requests count against what an address may ask for.
    var isCounted = true
    /// Whether the requests authenticate their sender by themselves, or end whatever the cookie
    /// holds: the edge step must touch neither their `Authorization` nor their `Cookie`.
    var isBeyondEdge = false
    /// Whether the answer may have to be waited for where the registry is another machine's: what
    /// is stored there, or was never looked up.
    var wait = Wait.never
    /// nil where the service has no such endpoint.
    let endpoint: @Sendable (AuthService) -> (any Endpoint)?

    enum Wait {
        case never, always
        /// Where the client authenticates by an assertion, which is good once.
        case withAssertion
    }

    /// Whether a request to it may have to wait for the registry.
    func mayWait(_ request: HTTPRequest) -> Bool {
        switch wait {
        case .never: false
        case .always: true
        case .withAssertion: Self.hasAssertion(request.body)
        }
    }

    private static let assertion = Array("client_assertion=".utf8)

    private static func hasAssertion(_ form: [UInt8]) -> Bool {
        var rest = form[...]
        while let start = rest.firstIndex(of: assertion[0]) {
            if rest[start...].starts(with: assertion) { return true }
            rest = rest[(start + 1)...]
        }
        return false
    }

    /// Every route but those of the demo, which are where a demo is. A segment in braces stands for
    /// any other.
    static let all: [Route] = [
        form(TokenEndpoint.path, TokenEndpoint.parameters, .withAssertion) { $0.tokens },
        form(
            IntrospectionEndpoint.path, IntrospectionEndpoint.parameters, .withAssertion
        ) { $0.introspection },
        form(RevocationEndpoint.path, RevocationEndpoint.parameters, .always) { $0.revocation },
        Route(
            path: RegistrationEndpoint.path, methods: ["POST"],
            parameters: RegistrationEndpoint.parameters, isBeyondEdge: true, wait: .always
        ) { $0.registration },
        Route(
            path: RegisteredClientEndpoint.path, methods: ["GET", "PUT", "DELETE"],
            isBeyondEdge: true, wait: .always
        ) { $0.registered },
        open(Discovery.wellKnown) { $0.discovery },
        open(Discovery.keySetPath) { $0.discovery },
        open(Discovery.openAPIPath) { $0.discovery.hasOpenAPI ? $0.discovery : nil },
        Route(
            path: SessionEndpoint.path, methods: ["POST", "DELETE", "OPTIONS"], readers: .listed,
            isBeyondEdge: true, wait: .always
        ) { $0.sessions },
        Route(
            path: SessionEndpoint.tokenPath, methods: ["POST", "OPTIONS"],
            parameters: names(SessionEndpoint.parameters), readers: .listed
        ) { $0.sessions },
        Route(
            path: ICEServersEndpoint.path, methods: ["GET", "HEAD", "OPTIONS"], readers: .anyPage
        ) { $0.iceServers },
        Route(
            path: EdgeEndpoint.path, methods: ["POST"], parameters: ["Records"], isCounted: false,
            isBeyondEdge: true
        ) { $0.edge },
    ]

    /// So few are found sooner by comparing them than by hashing what was asked for.
    static let paths = all.map(\.path)

    /// The place in `all` of what answers a path as it stands in a request.
    static func place(of path: ByteText) -> Int? {
        paths.firstIndex(of: path)
            ?? (path.hasPrefix(RegisteredClientEndpoint.prefix)
                ? paths.firstIndex(of: RegisteredClientEndpoint.path) : nil)
    }

    private static func form(
        _ path: ByteText, _ parameters: [FormParameter], _ wait: Wait,
        _ endpoint: @escaping @Sendable (AuthService) -> (any Endpoint)?
    ) -> Route {
        Route(
            path: path, methods: ["POST"], parameters: names(parameters), isBeyondEdge: true,
            wait: wait, endpoint: endpoint)
    }

    /// To everybody, and without a limit.
    private static func open(
        _ path: ByteText, _ endpoint: @escaping @Sendable (AuthService) -> (any Endpoint)?
    ) -> Route {
        Route(
            path: path, methods: ["GET", "HEAD", "OPTIONS"], isCounted: false, endpoint: endpoint)
    }

    private static func names(_ parameters: [FormParameter]) -> [ByteText] {
        parameters.map { ByteText($0.rawValue) }
    }
}
