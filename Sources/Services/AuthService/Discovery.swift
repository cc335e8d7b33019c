import Clients
import HTTPMessages
import StrictJSON

/// What everybody may read, from any page: the metadata (RFC 8414) and the public keys (RFC 7517).
struct Discovery: Sendable {
    static let keySetPath = "/.well-known/jwks.json"
    private static let wellKnown = "/.well-known/oauth-authorization-server"
    private static let allow = "GET, HEAD, OPTIONS"
    private static let anyOrigin = ("Access-Control-Allow-Origin", "*")
    private static let maxAge = ("Cache-Control", "public, max-age=300")

    /// Where the metadata lies: the well-known part goes between host and path of the issuer
    /// (RFC 8414 §3). The plain path serves those behind a proxy that takes the issuer's path off.
    private let metadataPaths: Set<String>
    private let metadata: [UInt8]
    private let keySet: @Sendable () -> [UInt8]

    init(issuer: String, keySet: @escaping @Sendable () -> [UInt8]) {
        metadataPaths = [Self.wellKnown, Self.wellKnown + Self.path(of: issuer)]
        metadata = Self.metadata(issuer)
        self.keySet = keySet
    }

    /// nil where the path is none of these.
    func respond(to request: HTTPRequest) -> HTTPResponse? {
        if request.path == Self.keySetPath {
            return answer(request, contentType: "application/jwk-set+json", keySet)
        }
        guard metadataPaths.contains(request.path) else { return nil }
        return answer(request, contentType: "application/json") { metadata }
    }

    private func answer(
        _ request: HTTPRequest, contentType: String, _ body: () -> [UInt8]
    ) -> HTTPResponse {
        switch request.method {
        case "GET", "HEAD":
            let headers = HeaderFields([
                ("Content-Type", contentType), Self.maxAge, Self.anyOrigin,
            ])
            return HTTPResponse(status: 200, headers: headers, body: body())
        case "OPTIONS":
            let headers = HeaderFields([
                ("Allow", Self.allow), Self.anyOrigin,
                ("Access-Control-Allow-Methods", "GET, HEAD"), ("Access-Control-Max-Age", "86400"),
            ])
            return HTTPResponse(status: 204, headers: headers)
        default: return OAuthRefusal.methodNotAllowed(allow: Self.allow).response
        }
    }

    /// `response_types_supported` is left out: there is no authorization endpoint, and RFC 8414
    /// §3.2 drops empty lists.
    private static func metadata(_ issuer: String) -> [UInt8] {
        let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
        let document: JSONValue = [
            "issuer": .string(issuer),
            "token_endpoint": .string(base + TokenEndpoint.path),
            "jwks_uri": .string(base + keySetPath),
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": ["signal", .string(Client.sessionScope)],
        ]
        return document.serialized()
    }

    /// The path of a URL without the slash at its end; empty where there is none.
    private static func path(of issuer: String) -> String {
        guard let colon = issuer.firstIndex(of: ":"), issuer[colon...].hasPrefix("://") else {
            return ""
        }
        let rest = issuer[issuer.index(colon, offsetBy: 3)...]
        guard let slash = rest.firstIndex(of: "/") else { return "" }
        let path = rest[slash...]
        return String(path.hasSuffix("/") ? path.dropLast() : path)
    }
}
