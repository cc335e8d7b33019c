import Bytes
import HTTPMessages

/// What everybody may read, from any page: the metadata (RFC 8414), the public keys (RFC 7517) and
/// the OpenAPI description.
final class Discovery: Endpoint {
    static let keySetPath: ByteText = "/.well-known/jwks.json"
    static let openAPIPath: ByteText = "/openapi.json"
    static let wellKnown: ByteText = "/.well-known/oauth-authorization-server"
    private static let anyOrigin: (ByteText, ByteText) = ("Access-Control-Allow-Origin", "*")
    private static let maxAge: (ByteText, ByteText) = ("Cache-Control", "public, max-age=300")

    /// Where the metadata lies: the well-known part goes between host and path of the issuer
    /// (RFC 8414 §3). The plain path serves those behind a proxy that takes the issuer's path off.
    private let metadataPaths: [ByteText]
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

    var hasOpenAPI: Bool { !openAPI.isEmpty }

    func isMetadata(_ path: ByteText) -> Bool { metadataPaths.contains(path) }

    func answer(_ call: Call) -> HTTPResponse {
        guard call.request.method != "OPTIONS" else {
            let headers = HeaderFields([
                ("Allow", "GET, HEAD, OPTIONS"), Self.anyOrigin,
                ("Access-Control-Allow-Methods", "GET, HEAD"), ("Access-Control-Max-Age", "86400"),
            ])
            return HTTPResponse(status: 204, headers: headers)
        }
        let (contentType, body): (ByteText, [UInt8]) =
            switch call.request.path {
            case Self.keySetPath: ("application/jwk-set+json", keySet())
            case Self.openAPIPath: ("application/json", openAPI)
            default: ("application/json", metadata)
            }
        let headers = HeaderFields([("Content-Type", contentType), Self.maxAge, Self.anyOrigin])
        return HTTPResponse(status: 200, headers: headers, body: body)
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
