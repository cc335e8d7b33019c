import Bytes

/// A path that `AuthService` answers, and what may be sent to it: the table that
/// `docs/openapi.json` is held against.
struct Route: Equatable, Sendable {
    let path: ByteText
    /// Every other one is answered with 405 and these in `Allow`.
    let methods: [ByteText]
    /// Names of the form's fields, or of the JSON body's members.
    var parameters: [ByteText] = []

    /// Every route but those of the demo, which are where a demo is. Those under `/oauth2/register`
    /// are where clients may register themselves; a segment in braces stands for any other.
    static let all: [Route] = [
        form(TokenEndpoint.path, TokenEndpoint.parameters),
        form(IntrospectionEndpoint.path, IntrospectionEndpoint.parameters),
        form(RevocationEndpoint.path, RevocationEndpoint.parameters),
        Route(
            path: RegistrationEndpoint.path, methods: ["POST"],
            parameters: RegistrationEndpoint.parameters),
        Route(path: RegisteredClientEndpoint.path, methods: RegisteredClientEndpoint.methods),
        Route(path: Discovery.wellKnown, methods: Discovery.methods),
        Route(path: Discovery.keySetPath, methods: Discovery.methods),
        Route(path: Discovery.openAPIPath, methods: Discovery.methods),
        Route(
            path: SessionEndpoint.path, methods: SessionEndpoint.methods),
        Route(
            path: SessionEndpoint.tokenPath, methods: SessionEndpoint.tokenMethods,
            parameters: SessionEndpoint.parameters.map { ByteText($0.rawValue) }),
        Route(path: ICEServersEndpoint.path, methods: ICEServersEndpoint.methods),
        Route(path: EdgeEndpoint.path, methods: ["POST"], parameters: ["Records"]),
    ]

    private static func form(_ path: ByteText, _ parameters: [FormParameter]) -> Route {
        Route(path: path, methods: ["POST"], parameters: parameters.map { ByteText($0.rawValue) })
    }
}
