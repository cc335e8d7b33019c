import Access
import Bytes
import Clients
import Edge
import HTTPMessages

/// Which pages may use what leans on the session cookie, and may read the answers.
struct PageRules: Sendable {
    private static let credentials: [(ByteText, ByteText)] = [
        ("Access-Control-Allow-Credentials", "true"), ("Vary", "Origin"),
    ]
    private static let withoutCookies: [(ByteText, ByteText)] = [
        ("Access-Control-Allow-Origin", "*"), ("Vary", "Origin"),
    ]

    /// Pages of other origins that may read an answer.
    enum Readers {
        /// Those that some client lists, with cookies.
        case listed
        /// Those, and all others without cookies.
        case anyPage
    }

    /// As long as the key set may be kept; browsers cut it to what they hold to be right.
    private static let preflightSeconds: ByteText = "300"

    private let ownOrigins: [ByteText]
    private let isListedOrigin: @Sendable (ByteText) -> Bool

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        ownOrigins = Origin.own(url: configuration.issuer)
        isListedOrigin = ports.isListedOrigin
    }

    /// `client` is nil where nobody knows whose cookie it is: then the issuer's own pages may, and
    /// nobody else's.
    func check(_ request: HTTPRequest, of client: Client?) throws(OAuthRefusal) {
        guard allows(request, of: client) else { throw Self.refusal }
    }

    func allows(_ request: HTTPRequest, of client: Client?) -> Bool {
        RequestSource.isOwn(request.headers, allowed: origins(of: client))
    }

    /// Whether a page has sent it that may use the sessions of some client.
    func isKnown(_ request: HTTPRequest) -> Bool {
        let (origin, count) = request.headers.find("Origin")
        return allows(request, of: nil) || count == 1 && origin.map(isListedOrigin) == true
    }

    /// The same for what changes nothing: without `Origin`, no page can read the answer.
    func checkRead(_ request: HTTPRequest, of client: Client?) throws(OAuthRefusal) {
        guard request.headers.contains("Origin") else { return }
        try check(request, of: client)
    }

    private func origins(of client: Client?) -> [ByteText] {
        (client?.origins ?? []) + ownOrigins
    }

    static let refusal = OAuthRefusal.forbidden(
        "origin_not_allowed",
        "pages of this origin may not use the session: register the origin with the client "
            + "(requests that no page sends need Origin, too)")

    /// Answers a preflight (Fetch standard, CORS protocol).
    func preflight(
        _ request: HTTPRequest, methods: [ByteText], readers: Readers
    ) -> HTTPResponse {
        let shared = sharing(with: request, readers)
        guard !shared.isEmpty else { return Self.refusal.response }
        let headers =
            shared + [
                ("Access-Control-Allow-Methods", OAuthText.list(methods)),
                ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
                ("Access-Control-Max-Age", Self.preflightSeconds),
            ]
        return HTTPResponse(status: 204, headers: HeaderFields(headers))
    }

    /// What lets a page of another origin read the answer; nothing where it may not.
    func sharing(
        with request: HTTPRequest, _ readers: Readers
    ) -> [(ByteText, ByteText)] {
        let (origin, count) = request.headers.find("Origin")
        guard let origin, count == 1 else { return [] }
        guard ownOrigins.contains(origin) || isListedOrigin(origin) else {
            return readers == .anyPage ? Self.withoutCookies : []
        }
        return [("Access-Control-Allow-Origin", origin)] + Self.credentials
    }
}
