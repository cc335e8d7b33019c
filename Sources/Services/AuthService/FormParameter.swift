/// The parameters that the endpoints under `/oauth2/` read. Others are ignored (RFC 6749 §3.2).
enum FormParameter: String, CaseIterable, Sendable {
    case grantType = "grant_type"
    case clientID = "client_id"
    case clientSecret = "client_secret"
    case clientAssertion = "client_assertion"
    case clientAssertionType = "client_assertion_type"
    case scope
    case rooms
    case subject
    case name
    case expiresIn = "expires_in"
    case subjectToken = "subject_token"
    case subjectTokenType = "subject_token_type"
    case actorToken = "actor_token"
    case actorTokenType = "actor_token_type"
    case requestedTokenType = "requested_token_type"
    case audience
    case resource
    case token
    case tokenTypeHint = "token_type_hint"
    case sub
    case all

    /// Those by which a client proves who it is, at every endpoint.
    static let authentication: [FormParameter] = [
        .clientID, .clientSecret, .clientAssertion, .clientAssertionType,
    ]

    /// What must not stand in a URI, which ends in logs (RFC 6749 §2.3.1).
    static let secrets: [FormParameter] = [
        .clientSecret, .clientAssertion, .subjectToken, .actorToken, .token,
    ]

    /// The exception to "each at most once": a token exchange may name several targets
    /// (RFC 8693 §2.1).
    static let repeatable: [FormParameter] = [.audience, .resource]
}
