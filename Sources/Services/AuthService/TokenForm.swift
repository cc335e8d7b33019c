import HTTPMessages

/// The parameters of a token request as sent: each at most once, an empty one counts as absent, an
/// unknown one is ignored (RFC 6749 §3.2).
struct TokenForm {
    private(set) var grantType: String?
    private(set) var clientID: String?
    private(set) var clientSecret: String?
    /// Whether another way of authenticating was tried (RFC 7521 §4.2).
    private(set) var hasClientAssertion = false
    private(set) var scope: String?
    private(set) var rooms: String?
    private(set) var subject: String?
    private(set) var name: String?
    private(set) var expiresIn: String?

    private static let bodyBytesMax = 16_384
    private static let mediaType = "application/x-www-form-urlencoded"
    /// What must not stand in a URI, which ends in logs (RFC 6749 §2.3.1).
    private static let secretParameters = ["client_secret", "client_assertion"]

    init(_ request: HTTPRequest) throws(OAuthRefusal) {
        guard request.body.count <= Self.bodyBytesMax else {
            throw .tooLarge(bytesMax: Self.bodyBytesMax)
        }
        try Self.checkContentType(request.headers)
        try Self.checkQuery(request.query)
        var unknown: [String] = []
        for (name, value) in try Self.pairs(request.body, "body") where !value.isEmpty {
            guard try !take(name, value) else { continue }
            if unknown.contains(name) { throw Self.repeated(name) }
            unknown.append(name)
        }
    }

    /// Stores a known parameter; false when it is none.
    private mutating func take(_ name: String, _ value: String) throws(OAuthRefusal) -> Bool {
        switch name {
        case "grant_type": try Self.set(&grantType, value, name)
        case "client_id": try Self.set(&clientID, value, name)
        case "client_secret": try Self.set(&clientSecret, value, name)
        case "scope": try Self.set(&scope, value, name)
        case "rooms": try Self.set(&rooms, value, name)
        case "subject": try Self.set(&subject, value, name)
        case "name": try Self.set(&self.name, value, name)
        case "expires_in": try Self.set(&expiresIn, value, name)
        case "client_assertion":
            if hasClientAssertion { throw Self.repeated(name) }
            hasClientAssertion = true
        default: return false
        }
        return true
    }

    private static func set(
        _ member: inout String?, _ value: String, _ name: String
    ) throws(OAuthRefusal) {
        guard member == nil else { throw repeated(name) }
        member = value
    }

    private static func repeated(_ name: String) -> OAuthRefusal {
        .invalidRequest("\(OAuthText.quoted(name)) occurs more than once")
    }

    private static func pairs(
        _ bytes: [UInt8], _ place: String
    ) throws(OAuthRefusal) -> [(name: String, value: String)] {
        do throws(FormError) {
            return try FormFields.parse(bytes)
        } catch {
            throw .invalidRequest("the \(place) is no form: \(error)")
        }
    }

    private static func checkQuery(_ query: String?) throws(OAuthRefusal) {
        guard let query, !query.isEmpty else { return }
        for (name, _) in try pairs(Array(query.utf8), "query string")
        where secretParameters.contains(name) {
            throw .invalidRequest(
                "\(name) must not stand in the URI; rotate the secret, since URIs are logged")
        }
    }

    private static func checkContentType(_ headers: HeaderFields) throws(OAuthRefusal) {
        let values = headers.values("Content-Type")
        guard values.count == 1, let value = values.first else {
            throw .invalidRequest(
                "one Content-Type is needed, and it must be \(mediaType)")
        }
        guard MediaType.matches(value, mediaType) else {
            throw .invalidRequest(
                "Content-Type must be \(mediaType) in UTF-8, not \(OAuthText.quoted(value))")
        }
    }
}

/// What `Content-Type` says (RFC 9110 §8.3.1).
enum MediaType {
    /// Whether `value` is `expected`, with no charset or with UTF-8.
    static func matches(_ value: String, _ expected: String) -> Bool {
        if value.utf8.elementsEqual(expected.utf8) { return true }
        var parts = value.split(separator: ";", omittingEmptySubsequences: false)[...]
            .map(FieldGrammar.trimmed)
        guard FieldGrammar.areSameName(parts.removeFirst(), expected) else { return false }
        return parts.allSatisfy { part in
            let isCharset = FieldGrammar.areSameName(part.prefix(8), "charset=")
            let charset = part.dropFirst(8)
            return !isCharset || FieldGrammar.areSameName(charset, "utf-8")
                || FieldGrammar.areSameName(charset, "\"utf-8\"")
        }
    }
}
