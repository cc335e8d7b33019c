import Access
import Bytes
import Clients
import HTTPMessages
import Identifiers
import StrictJSON
import Tokens

/// The demo's page, and the tokens that it lives on (docs/architecture.md §5).
final class DemoEndpoints: Sendable {
    /// Tokens that one address gets within a minute.
    static let tokensPerMinuteMax = 30
    static let lifetimeSeconds: Int64 = 300
    private static let bodyBytesMax = 4096
    private static let tokenPath: ByteText = "/demo/token"
    private static let contentSecurityPolicy: ByteText =
        """
        default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
        img-src 'self' data: blob:; media-src 'self' blob:; frame-ancestors 'none'; \
        base-uri 'none'; form-action 'self'
        """

    private static let permissionsPolicy: ByteText =
        "camera=(self), microphone=(self), display-capture=(self)"

    let client: Client
    private let demo: DemoConfiguration
    private let commons: AuthCommons
    private let requests = RequestLimit<AddressGroup>(
        tokensPerMinuteMax, inSeconds: 60, beyond: "too many demo tokens for this address")

    init(_ demo: DemoConfiguration, _ commons: AuthCommons) {
        self.demo = demo
        self.commons = commons
        client = Self.client(atSecondsSinceEpoch: commons.ports.now())
    }

    /// In memory only, without a secret: only the page's backend, which is here, speaks for it.
    static func client(atSecondsSinceEpoch now: Int64) -> Client {
        Client(
            clientID: "demo", name: "demo", rooms: DemoRoom.all, origins: [], scopes: ["signal"],
            createdAt: now, secrets: [])
    }

    /// nil where the path is none of the demo's.
    func respond(to request: HTTPRequest) -> HTTPResponse? {
        do throws(OAuthRefusal) {
            if request.path == Self.tokenPath { return try token(request) }
            if let asset = demo.assets[request.path] { return try page(request, asset) }
            return request.path == "/demo" ? try toPage(request) : nil
        } catch {
            return error.response
        }
    }

    private func page(
        _ request: HTTPRequest, _ asset: PageAsset
    ) throws(OAuthRefusal) -> HTTPResponse {
        try checkRead(request)
        var response = asset.response(policy: Self.contentSecurityPolicy)
        response.headers.set("Permissions-Policy", Self.permissionsPolicy)
        return response
    }

    private func toPage(_ request: HTTPRequest) throws(OAuthRefusal) -> HTTPResponse {
        try checkRead(request)
        let headers = HeaderFields([("Location", "/demo/"), ("Cache-Control", "no-store")])
        return HTTPResponse(status: 308, headers: headers)
    }

    private func checkRead(_ request: HTTPRequest) throws(OAuthRefusal) {
        guard request.method == "GET" || request.method == "HEAD" else {
            throw .methodNotAllowed(allow: "GET, HEAD")
        }
        _ = try checkedHost(request)
    }

    private func token(_ request: HTTPRequest) throws(OAuthRefusal) -> HTTPResponse {
        guard request.method == "POST" else { throw .methodNotAllowed(allow: "POST") }
        let host = try checkedHost(request)
        try checkSameOrigin(request)
        let wanted = try DemoRoom(
            JSONBody.object(of: request, bytesMax: Self.bodyBytesMax, depthMax: 8))
        let now = commons.ports.now()
        try requests.take(AddressGroup(request.clientAddress), now)
        let wish = TokenWish(
            scopes: client.scopes, rooms: [wanted.room],
            subject: subject(of: wanted), name: wanted.name,
            lifetimeSeconds: Self.lifetimeSeconds, kind: .access)
        let token = try commons.token(wish, for: client.clientID, now)
        return TokenResponse.make(token, wish, extra: extra(request, host))
    }

    /// A page that comes back, with the id that only it knows, is the same subject: so it may
    /// refresh its token and resume its session.
    private func subject(of wanted: DemoRoom) -> ByteText {
        let ports = commons.ports
        let seed = wanted.id.map { ports.sha256(Array("demo:\($0)".utf8)) } ?? ports.random(12)
        return ByteText(Base64URL.encode(Array(seed.prefix(12))))
    }

    /// `client_id`, and where the page opens its WebSocket.
    private func extra(_ request: HTTPRequest, _ host: ByteText) -> [UInt8] {
        var extra = TokenResponse.clientID(client.clientID)
        extra.append(contentsOf: #","url":"#.utf8)
        let scheme = request.isSecure ? "wss" : "ws"
        JSONText.appendQuoted("\(scheme)://\(host)\(demo.signalPath)", to: &extra)
        return extra
    }

    /// A page elsewhere can point a name of its own at this address (DNS rebinding), but then
    /// `Host` bears that name.
    private func checkedHost(_ request: HTTPRequest) throws(OAuthRefusal) -> ByteText {
        let hosts = request.headers.values("Host")
        guard hosts.count == 1, let host = hosts.first, let asked = Origin.of(host: host),
            asked.isAddress || asked.isLoopback || demo.allowedHosts.contains(asked.host)
        else {
            throw .forbidden(
                "host_not_allowed", "Host must be an IP address, localhost or the issuer's name")
        }
        return host
    }

    private func checkSameOrigin(_ request: HTTPRequest) throws(OAuthRefusal) {
        let sites = request.headers.values("Sec-Fetch-Site")
        guard sites.allSatisfy({ $0 == "same-origin" }) else {
            throw .forbidden("origin_not_allowed", "only the demo's own page may ask for tokens")
        }
    }
}
