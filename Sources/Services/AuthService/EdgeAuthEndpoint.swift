import Access
import Bytes
import Edge
import HTTPMessages
import Tokens

/// `GET /edge/auth`: the edge step for a reverse proxy that asks before it passes a request on
/// (nginx `auth_request`, Caddy `forward_auth`, Traefik `forwardAuth`).
///
/// Unlike the step in front of our own routes it verifies: whatever stands behind the proxy may
/// believe the token it is handed. Not for the public port, where a page could read the answer.
struct EdgeAuthEndpoint: Sendable {
    static let path: ByteText = "/edge/auth"
    private static let safeMethods: Set<ByteText> = ["GET", "HEAD", "OPTIONS"]

    let commons: AuthCommons

    /// 200 with `Authorization`, and `Cookie` where others remain; else 401 or 403: proxies take
    /// any other refusal for a failure of their own.
    func respond(to request: HTTPRequest) -> HTTPResponse {
        do throws(OAuthRefusal) {
            return try answer(request)
        } catch  where error.status == 400 {
            return OAuthRefusal.invalidToken(error.description).response
        } catch {
            return error.response
        }
    }

    private func answer(_ request: HTTPRequest) throws(OAuthRefusal) -> HTTPResponse {
        // The answer hands a token out: it goes to those who pass requests on, and nobody else.
        let proxies = commons.configuration.edgeProxies
        guard request.isProtected || proxies.contains(where: { $0.contains(request.peerAddress) })
        else {
            throw .forbidden("address_not_allowed", "only proxies of --trusted-proxy may ask here")
        }
        guard request.path == Self.path else {
            throw OAuthRefusal(status: 404, code: "not_found", description: "try \(Self.path)")
        }
        guard request.method == "GET" || request.method == "HEAD" else {
            throw .methodNotAllowed(allow: "GET, HEAD")
        }
        let (stepped, fromCookie) = try stepped(request)
        let token = try BearerToken.find(in: stepped)
        let kinds: Set<TokenKind> = fromCookie ? [.access, .session] : [.access]
        let holder = try commons.holder(of: token, kinds, .verifiers, commons.ports.now())
        if fromCookie {
            let method = request.headers["X-Forwarded-Method"] ?? request.method
            if Self.safeMethods.contains(method) {
                try commons.pages.checkRead(request, of: holder.client)
            } else {
                try commons.pages.check(request, of: holder.client)
            }
        }
        var headers = HeaderFields(NoStore.fields)
        headers.add("Authorization", "Bearer \(token)")
        let cookies = stepped.headers.values("Cookie")
        if !cookies.isEmpty {
            headers.add("Cookie", ByteText(cookies.joined(separator: "; ")))
        }
        return HTTPResponse(status: 200, headers: headers)
    }

    /// The query is the proxy's, which asks for a request that has another.
    private func stepped(
        _ request: HTTPRequest
    ) throws(OAuthRefusal) -> (HTTPRequest, fromCookie: Bool) {
        do throws(EdgeRefusal) {
            let result = try commons.configuration.edgeStep.apply(request.headers)
            var stepped = request
            stepped.headers = result.headers
            stepped.query = nil
            return (stepped, result.fromCookie)
        } catch {
            throw .invalidRequest(error.description)
        }
    }
}
