import Bytes
import HTTPMessages

/// What everybody may read, from any page: the metadata (RFC 8414), the public keys (RFC 7517) and
/// the OpenAPI description.
struct Discovery: Sendable {
    static let keySetPath: ByteText = "/.well-known/jwks.json"
    static let openAPIPath: ByteText = "/openapi.json"
    static let wellKnown: ByteText = "/.well-known/oauth-authorization-server"
    static let methods: [ByteText] = ["GET", "HEAD", "OPTIONS"]
    private static let allow: ByteText = "GET, HEAD, OPTIONS"
    private static let anyOrigin: (ByteText, ByteText) = ("Access-Control-Allow-Origin", "*")
    private static let maxAge: (ByteText, ByteText) = ("Cache-Control", "public, max-age=300")

    /// Where the metadata lies: the well-known part goes between host and path of the issuer
    /// (RFC 8414 §3). The plain path serves those behind a proxy that takes the issuer's path off.
    private let metadataPaths: Set<ByteText>
    private let metadata: [UInt8]
    private let openAPI: [UInt8]
    private let keySet: @Sendable () -> [UInt8]

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        let issuer = configuration.issuer
        metadataPaths = [Self.wellKnown, "\(Self.wellKnown)\(Self.path(of: issuer))"]
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
        _ request: HTTPRequest, contentType: ByteText, _ body: () -> [UInt8]
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
        let slash = UInt8(ascii: "/")
        guard let colon = issuer.utf8.firstIndex(of: UInt8(ascii: ":")) else { return "" }
        let rest = issuer.utf8[colon...].dropFirst("://".utf8.count)
        guard let start = rest.firstIndex(of: slash) else { return "" }
        let path = rest[start...]
        return String(Substring(path.last == slash ? path.dropLast() : path))
    }
}
