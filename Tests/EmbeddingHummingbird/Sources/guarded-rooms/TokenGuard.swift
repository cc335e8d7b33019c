import Hummingbird
import UsherVerifier

/// What a request carries along once its token has been verified.
struct GuardedContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Set by `TokenGuard`; nil on routes that it does not guard.
    var token: VerifiedToken?

    init(source: Source) { coreContext = .init(source: source) }
}

/// Lets requests through that bring a good bearer token (RFC 6750 §2.1), and hands the token on.
struct TokenGuard: RouterMiddleware {
    /// A `Verifier`'s or a `RemoteKeySet`'s `verify`, with the time put in.
    let verify: @Sendable (String) async throws(TokenRejection) -> VerifiedToken

    func handle(
        _ request: Request, context: GuardedContext,
        next: (Request, GuardedContext) async throws -> Response
    ) async throws -> Response {
        guard let text = bearerToken(of: request) else {
            return refusal(.unauthorized, "Bearer realm=\"rooms\"")  // Nothing was presented.
        }
        var context = context
        do throws(TokenRejection) {
            context.token = try await verify(text)
        } catch .keysUnavailable {
            return Response(status: .serviceUnavailable)
        } catch {
            context.logger.info("refused a token", metadata: ["code": "\(error.code)"])
            return refusal(.unauthorized, "Bearer realm=\"rooms\", error=\"invalid_token\"")
        }
        return try await next(request, context)
    }

    /// Two headers arrive here as one, joined by a comma, and no token has a comma.
    private func bearerToken(of request: Request) -> String? {
        guard let field = request.headers[.authorization] else { return nil }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }
}

func refusal(_ status: HTTPResponse.Status, _ challenge: String) -> Response {
    Response(status: status, headers: [.wwwAuthenticate: challenge])
}
