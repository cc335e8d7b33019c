import HTTPMessages

/// A client's id and secret as a request presents them, by exactly one method (RFC 6749 §2.3).
struct PresentedCredentials {
    let clientID: String
    let secret: String

    /// Finds the one method that was used.
    ///
    /// HTTP Basic, or `client_id` and `client_secret` in the body. A `client_id` alone never
    /// authenticates; beside HTTP Basic it must be the same.
    init(_ request: HTTPRequest, _ form: TokenForm) throws(OAuthRefusal) {
        let fields = request.headers.values("Authorization")
        guard fields.count <= 1 else {
            throw .invalidRequest("Authorization occurs more than once")
        }
        let methods =
            fields.count + (form.clientSecret == nil ? 0 : 1) + (form.hasClientAssertion ? 1 : 0)
        guard methods <= 1 else {
            throw .invalidRequest(
                "more than one way of authenticating the client: use Authorization or "
                    + "client_secret, not both")
        }
        if let field = fields.first {
            try self.init(authorization: field, form)
            return
        }
        guard !form.hasClientAssertion else {
            throw .invalidClient("client_assertion is not supported here")
        }
        guard let clientID = form.clientID, let secret = form.clientSecret else {
            throw .invalidClient(
                "the client must authenticate: with HTTP Basic, or with client_id and "
                    + "client_secret in the body")
        }
        self.init(clientID: clientID, secret: secret)
    }

    private init(clientID: String, secret: String) {
        self.clientID = clientID
        self.secret = secret
    }

    private init(authorization: String, _ form: TokenForm) throws(OAuthRefusal) {
        do throws(BasicCredentialsError) {
            let basic = try BasicCredentials.parse(authorization: authorization)
            self.init(clientID: basic.id, secret: basic.secret)
        } catch {
            throw .invalidClient(error.description)
        }
        if let named = form.clientID, !named.utf8.elementsEqual(clientID.utf8) {
            throw .invalidRequest("client_id is not the one in Authorization")
        }
    }
}
