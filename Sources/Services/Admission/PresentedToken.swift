internal import Access
internal import Bytes
internal import HTTPMessages
internal import Identifiers
internal import Signalling
internal import Tokens
internal import WebSocket

/// The access token of a handshake, and where it was found (docs/protocol.md §1).
///
/// The order is the protocol's: what a page says itself beats the cookie that its browser sends
/// unasked. `Authorization` may be the work of an edge that stands before us, hence ambient too, so
/// a subprotocol beside it is no second method in the sense of RFC 6750 §2 but the stronger one.
struct PresentedToken {
    enum Source: String, Sendable { case subprotocol, authorization, query, cookie }

    /// What the edge step made of the session cookie.
    struct Cookie {
        /// Whether it became `Authorization`.
        let isUsed: Bool
        /// What is wrong with it.
        let fault: String?
    }

    let source: Source
    let text: ByteText
    /// Whether a cookie may be behind it, so that the page's `Origin` must be an allowed one.
    let mustMatchOrigin: Bool

    /// Session tokens live in cookies, so they are taken from the cookie alone, or from what an
    /// outer edge made of one: browsers can't set `Authorization` on a handshake, and only they
    /// send Origin. The relay is the one place that takes legacy tokens.
    var kinds: Set<TokenKind> {
        mustMatchOrigin ? Self.behindCookie : Self.sentByPage
    }

    private static let behindCookie: Set<TokenKind> = [.access, .session, .legacy]
    private static let sentByPage: Set<TokenKind> = [.access, .legacy]

    /// - Parameters:
    ///   - request: After the edge step.
    ///   - offered: The subprotocols of the handshake.
    ///   - query: The parameters of the URL.
    ///   - cookie: One that is at fault matters where there is no other token.
    ///   - rule: Whether a token may stand in the query.
    ///   - cookieName: For the text that tells how to send a token.
    /// - Returns: The one token that counts.
    /// - Throws: `noToken`, or `invalidRequest` for what is said twice or half.
    static func find(
        in request: HTTPRequest, offered: [ByteText], query: QueryParameters, cookie: Cookie,
        rule: QueryTokenRule, cookieName: String
    ) throws(AdmissionRefusal) -> PresentedToken {
        let bearer = try authorization(request)
        if let text = try subprotocol(offered) {
            return PresentedToken(source: .subprotocol, text: text, mustMatchOrigin: false)
        }
        if let bearer, !cookie.isUsed {
            let hasOrigin = request.headers["Origin"] != nil
            return PresentedToken(
                source: .authorization, text: bearer, mustMatchOrigin: hasOrigin)
        }
        let inQuery = query.token.flatMap { $0.isEmpty ? nil : $0 }
        if let inQuery, rule != .deny, bearer == nil || hasThreeParts(inQuery) {
            return PresentedToken(source: .query, text: inQuery, mustMatchOrigin: false)
        }
        if let bearer {
            return PresentedToken(source: .cookie, text: bearer, mustMatchOrigin: true)
        }
        if let fault = cookie.fault { throw .invalidRequest(fault) }
        throw .noToken(howToSendOne(rule, cookieName))
    }

    private static func howToSendOne(_ rule: QueryTokenRule, _ cookieName: String) -> String {
        let query = rule == .deny ? " (none is taken from the query here)" : ", as ?token="
        return "Send an access token as the subprotocols \(Dialect.v1Subprotocol) and "
            + "\(Dialect.bearerPrefix)TOKEN, as Authorization: Bearer\(query) "
            + "or in the cookie \(cookieName)"
    }

    private static func subprotocol(_ offered: [ByteText]) throws(AdmissionRefusal) -> ByteText? {
        let tokens = offered.filter { $0.hasPrefix(Dialect.bearerPrefix) }
        guard let first = tokens.first else { return nil }
        guard tokens.count == 1 else {
            throw .invalidRequest("Offer one \(Dialect.bearerPrefix)TOKEN subprotocol, not several")
        }
        guard offered.contains(Dialect.v1Subprotocol) else {
            throw .invalidRequest(
                "Offer \(Dialect.v1Subprotocol) beside \(Dialect.bearerPrefix)TOKEN: "
                    + "the answer never names a token")
        }
        return first.dropFirst(Dialect.bearerPrefix.count)
    }

    private static func authorization(_ request: HTTPRequest) throws(AdmissionRefusal) -> ByteText?
    {
        do throws(BearerCredentials.Fault) {
            return try BearerCredentials.find(in: request.headers)
        } catch {
            switch error {
            case .repeated: throw .invalidRequest("Send one Authorization field")
            case .malformed:
                throw .invalidRequest("Authorization must be Bearer, one space and the token")
            // Where it counts it is refused like any other bad token.
            case .notAToken(let text): return text
            }
        }
    }

    /// Whether it looks like a signed token at all; deployed pages send `undefined`.
    private static func hasThreeParts(_ text: ByteText) -> Bool {
        let parts = text.utf8.split(
            separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count == 3 && parts.allSatisfy { !$0.isEmpty }
    }
}

/// What the relay reads of a handshake's query; every other parameter is none of its business.
struct QueryParameters {
    let token: ByteText?
    let client: ClientID?

    init(_ query: ByteText?) throws(AdmissionRefusal) {
        let fields: [(name: ByteText, value: ByteText)]
        do {
            fields = try FormFields.parse(query ?? "")
        } catch {
            throw .invalidRequest("The query is no form: percent-encode it as UTF-8")
        }
        try self.init(fields)
    }

    /// Of parameters that somebody else has decoded.
    init(_ fields: [(name: ByteText, value: ByteText)]) throws(AdmissionRefusal) {
        token = try Self.single("token", fields)
        client = try Self.single("client", fields).map { ClientID($0) }
    }

    private static func single(
        _ name: ByteText, _ fields: [(name: ByteText, value: ByteText)]
    ) throws(AdmissionRefusal) -> ByteText? {
        var value: ByteText?
        for index in fields.indices where fields[index].name == name {
            guard value == nil else { throw .invalidRequest("Send \(name) once") }
            value = fields[index].value
        }
        return value
    }
}
