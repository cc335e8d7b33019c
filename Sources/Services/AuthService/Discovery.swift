import HTTPMessages

/// What everybody may read, from any page: the metadata (RFC 8414), the public keys (RFC 7517) and
/// the OpenAPI description.
struct Discovery: Sendable {
    static let keySetPath = "/.well-known/jwks.json"
    static let openAPIPath = "/openapi.json"
    static let wellKnown = "/.well-known/oauth-authorization-server"
    static let methods = ["GET", "HEAD", "OPTIONS"]
    private static let allow = "GET, HEAD, OPTIONS"
    private static let anyOrigin = ("Access-Control-Allow-Origin", "*")
    private static let maxAge = ("Cache-Control", "public, max-age=300")

    /// Where the metadata lies: the well-known part goes between host and path of the issuer
    /// (RFC 8414 §3). The plain path serves those behind a proxy that takes the issuer's path off.
    private let metadataPaths: Set<String>
    private let metadata: [UInt8]
    private let openAPI: [UInt8]
    private let keySet: @Sendable () -> [UInt8]

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        let issuer = configuration.issuer
        metadataPaths = [Self.wellKnown, Self.wellKnown + Self.path(of: issuer)]
        metadata = ServerMetadata.document(issuer, hasRegistration: ports.registrations != nil)
        openAPI = configuration.openAPI
        keySet = ports.keySet
    }

    /// nil where the path is none of these.
    func respond(to request: HTTPRequest) -> HTTPResponse? {
        if request.path == Self.keySetPath {
            return answer(request, contentType: "application/jwk-set+json", keySet)
        }
        if request.path == Self.openAPIPath, !openAPI.isEmpty {
            return answer(request, contentType: "application/json") { openAPI }
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
