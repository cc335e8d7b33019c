import Access
import Bytes
import Clients
import Edge
import HTTPMessages
import ICEServers
import StrictJSON
import Tokens

/// `GET /ice-servers`: STUN and TURN servers, the latter with credentials that end, for whoever
/// may signal.
final class ICEServersEndpoint: Sendable {
    static let path: ByteText = "/ice-servers"
    static let methods: [ByteText] = ["GET", "HEAD", "OPTIONS"]
    /// Answers that one subject gets within a minute.
    static let answersPerMinuteMax = 60

    private let ports: AuthPorts
    private let gate: ClientGate
    private let pages: PageRules
    private let check: HolderCheck
    private let answers = RequestLimit<ByteText>(
        answersPerMinuteMax, inSeconds: 60,
        beyond: "ICE servers were asked for too often with this subject's tokens")

    init(
        _ configuration: AuthConfiguration, _ ports: AuthPorts, _ gate: ClientGate,
        demoClient: Client?
    ) {
        self.ports = ports
        self.gate = gate
        pages = PageRules(configuration, ports)
        check = HolderCheck(ports, demoClient: demoClient)
    }

    /// `fromCookie` says whether the edge step made `Authorization` from the cookie, and
    /// `cookieRefusal` why it could not.
    func respond(
        to request: HTTPRequest, fromCookie: Bool, cookieRefusal: EdgeRefusal?
    ) -> HTTPResponse {
        guard request.method != "OPTIONS" else {
            return pages.preflight(request, methods: Self.methods, readers: .anyPage)
        }
        var response: HTTPResponse
        do throws(OAuthRefusal) {
            response = try answer(request, fromCookie, cookieRefusal)
        } catch {
            response = error.response
        }
        // Whoever sends a token by hand may read what it is good for, on any page.
        for (name, value) in pages.sharing(with: request, fromCookie ? .listed : .anyPage) {
            response.headers.add(name, value)
        }
        return response
    }

    private func answer(
        _ request: HTTPRequest, _ fromCookie: Bool, _ refusal: EdgeRefusal?
    ) throws(OAuthRefusal) -> HTTPResponse {
        let now = ports.now()
        try gate.admit(request, methods: Self.methods, now)
        let kinds: Set<TokenKind> = fromCookie ? [.access, .session] : [.access]
        let token = try BearerToken.find(in: request, beside: refusal)
        let holder = try check.holder(of: token, kinds, .verifiers, now)
        if fromCookie { try pages.checkRead(request, of: holder.client) }
        let claims = holder.claims
        guard claims.kind == .session || claims.has(scope: "signal") else {
            throw .insufficientScope("signal", "the token lacks the scope signal")
        }
        try answers.take(ByteText(claims.subject), now)
        let offer = ports.iceServers(claims.subject, now)
        var body = Array(#"{"iceServers":\#(offer.json)"#.utf8)
        if let end = offer.expiresAt { body += Array(#","expiresAt":\#(end)"#.utf8) }
        return .json(200, body + [UInt8(ascii: "}")], headers: NoStore.fields)
    }
}
