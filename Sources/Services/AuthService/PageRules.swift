import Clients
import Edge
import HTTPMessages

/// Which pages may use what leans on the session cookie, and may read the answers.
struct PageRules: Sendable {
    private static let credentials = [
        ("Access-Control-Allow-Credentials", "true"), ("Vary", "Origin"),
    ]
    /// As long as the key set may be kept; browsers cut it to what they hold to be right.
    private static let preflightSeconds = "300"

    private let issuerOrigin: String?
    private let isListedOrigin: @Sendable (String) -> Bool

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        issuerOrigin = Origin.of(url: configuration.issuer)?.description
        isListedOrigin = ports.isListedOrigin
    }

    /// `client` is nil where nobody knows whose cookie it is: then the issuer's own pages may, and
    /// nobody else's.
    func check(_ request: HTTPRequest, of client: Client?) throws(OAuthRefusal) {
        guard RequestSource.isOwn(request.headers, allowed: origins(of: client)) else {
            throw Self.refusal
        }
    }

    /// The same for what changes nothing: without `Origin`, no page can read the answer.
    func checkRead(_ request: HTTPRequest, of client: Client?) throws(OAuthRefusal) {
        guard request.headers.contains("Origin") else { return }
        try check(request, of: client)
    }

    private func origins(of client: Client?) -> [String] {
        (client?.origins ?? []) + (issuerOrigin.map { [$0] } ?? [])
    }

    static let refusal = OAuthRefusal.forbidden(
        "origin_not_allowed",
        "pages of this origin may not use the session: register the origin with the client "
            + "(requests that no page sends need Origin, too)")

    /// Answers a preflight (Fetch standard, CORS protocol).
    func preflight(
        _ request: HTTPRequest, methods: [String], isOpen: Bool = false
    ) -> HTTPResponse {
        let shared = sharing(with: request, isOpen: isOpen)
        guard !shared.isEmpty else { return Self.refusal.response }
        let headers =
            shared + [
                ("Access-Control-Allow-Methods", methods.joined(separator: ", ")),
                ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
                ("Access-Control-Max-Age", Self.preflightSeconds),
            ]
        return HTTPResponse(status: 204, headers: HeaderFields(headers))
    }

    /// What lets a page of another origin, which some client lists, read the answer; for any other
    /// page nothing, or, where the answer is open, what lets it do so without cookies.
    func sharing(with request: HTTPRequest, isOpen: Bool = false) -> [(String, String)] {
        let (origin, count) = request.headers.find("Origin")
        guard let origin, count == 1 else { return [] }
        guard origin == issuerOrigin || isListedOrigin(origin) else {
            return isOpen ? [("Access-Control-Allow-Origin", "*"), ("Vary", "Origin")] : []
        }
        return [("Access-Control-Allow-Origin", origin)] + Self.credentials
    }
}
