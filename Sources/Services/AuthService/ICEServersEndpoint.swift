import Access
import Bytes
import Clients
import HTTPMessages
import ICEServers
import Identifiers
import Tokens

/// `GET /ice-servers`: STUN and TURN servers, the latter with credentials that end, for whoever
/// may signal.
final class ICEServersEndpoint: Endpoint {
    static let path: ByteText = "/ice-servers"
    /// Answers that one subject gets within a minute.
    static let answersPerMinuteMax = 60

    private let commons: AuthCommons
    /// In no registry.
    private let demoClient: Client?
    private let answers = RequestLimit<Subject>(
        answersPerMinuteMax, inSeconds: 60,
        beyond: "ICE servers were asked for too often with this subject's tokens")

    init(_ commons: AuthCommons, demoClient: Client?) {
        self.commons = commons
        self.demoClient = demoClient
    }

    func answer(_ call: Call) throws(OAuthRefusal) -> HTTPResponse {
        let kinds: Set<TokenKind> = call.fromCookie ? [.access, .session] : [.access]
        let holder = try commons.holder(
            of: call.bearer(), kinds, .verifiers, call.now, demoClient: demoClient)
        if call.fromCookie { try commons.pages.checkRead(call.request, of: holder.client) }
        let claims = holder.claims
        guard claims.kind == .session || claims.has(scope: "signal") else {
            throw .insufficientScope("signal", "the token lacks the scope signal")
        }
        try answers.take(claims.subject, call.now)
        let offer = commons.ports.iceServers(claims.subject, call.now)
        var body = Array(#"{"iceServers":\#(offer.json)"#.utf8)
        if let end = offer.expiresAt { body += Array(#","expiresAt":\#(end)"#.utf8) }
        return .json(200, body + [UInt8(ascii: "}")], headers: NoStore.fields)
    }
}
