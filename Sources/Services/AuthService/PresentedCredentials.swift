import Bytes
import HTTPMessages
import Identifiers

/// What a request presents to prove which client it comes from, by exactly one method
/// (RFC 6749 §2.3).
enum PresentedCredentials {
    case secret(clientID: ClientID, secret: ByteText)
    /// `private_key_jwt`; `clientID` is what stands beside it, if anything does.
    case assertion(ByteText, clientID: ClientID?)

    /// `client_assertion_type` of RFC 7523 §2.2.
    static let assertionType: ByteText = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    /// Finds the one method that was used: HTTP Basic, `client_id` and `client_secret` in the body,
    /// or `client_assertion`. A `client_id` alone never authenticates; beside another method it
    /// must be the same.
    static func find(
        in request: HTTPRequest, _ form: OAuthForm
    ) throws(OAuthRefusal) -> PresentedCredentials {
        let authorization = request.headers.find("Authorization")
        guard authorization.count <= 1 else {
            throw .invalidRequest("Authorization occurs more than once")
        }
        let hasAssertion = form[.clientAssertion] != nil || form[.clientAssertionType] != nil
        let methods =
            authorization.count + (form[.clientSecret] == nil ? 0 : 1) + (hasAssertion ? 1 : 0)
        guard methods <= 1 else {
            throw .invalidRequest(
                "more than one way of authenticating the client: use one of Authorization, "
                    + "client_secret and client_assertion")
        }
        if let field = authorization.first { return try basic(field, form) }
        if hasAssertion { return try assertion(form) }
        guard let clientID = form.clientID, let secret = form[.clientSecret] else {
            throw .invalidClient(
                "the client must authenticate: with HTTP Basic, with client_id and client_secret "
                    + "in the body, or with client_assertion")
        }
        return .secret(clientID: clientID, secret: secret)
    }

    private static func basic(
        _ authorization: ByteText, _ form: OAuthForm
    ) throws(OAuthRefusal) -> PresentedCredentials {
        let basic: (id: ByteText, secret: ByteText)
        do throws(BasicCredentialsError) {
            basic = try BasicCredentials.parse(authorization: authorization)
        } catch {
            throw .invalidClient(error.description)
        }
        let clientID = ClientID(basic.id)
        if let named = form.clientID, named != clientID {
            throw .invalidRequest("client_id is not the one in Authorization")
        }
        return .secret(clientID: clientID, secret: basic.secret)
    }

    /// An unknown method is `invalid_client` (RFC 6749 §5.2, RFC 7521 §4.2.1).
    private static func assertion(
        _ form: OAuthForm
    ) throws(OAuthRefusal) -> PresentedCredentials {
        guard let assertion = form[.clientAssertion] else {
            throw .invalidClient("client_assertion_type is there, client_assertion is missing")
        }
        guard form[.clientAssertionType] == assertionType else {
            throw .invalidClient("client_assertion_type must be \(assertionType)")
        }
        return .assertion(assertion, clientID: form.clientID)
    }
}
