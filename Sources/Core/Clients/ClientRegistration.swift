package import Identifiers

/// What a client that was registered over HTTP has beside what every client has (RFC 7591).
package struct ClientRegistration: Equatable, Sendable {
    /// How many clients of one registrar may be registered at the same time.
    package static let perRegistrarMax = 10_000

    /// SHA-256 of the text of its registration access token, 32 bytes (RFC 7592 §1.2).
    package let tokenDigest: [UInt8]
    /// The id of the client whose token allowed the registration. That client may be gone.
    package let registrar: ClientID
    package let authenticationMethod: AuthenticationMethod
    /// What it may ask for at the token endpoint; never empty.
    package let grantTypes: [GrantType]

    package init(
        tokenDigest: [UInt8], registrar: ClientID, authenticationMethod: AuthenticationMethod,
        grantTypes: [GrantType]
    ) {
        self.tokenDigest = tokenDigest
        self.registrar = registrar
        self.authenticationMethod = authenticationMethod
        self.grantTypes = grantTypes
    }
}

/// How a client proves itself, as `token_endpoint_auth_method` names it (RFC 7591 §2).
package enum AuthenticationMethod: String, CaseIterable, Sendable {
    case secretBasic = "client_secret_basic"
    case secretPost = "client_secret_post"
    case privateKeyJWT = "private_key_jwt"

    package var usesSecret: Bool { self != .privateKeyJWT }
}

/// What a client asks for at the token endpoint, as `grant_type` names it (RFC 6749 §4.4,
/// RFC 8693 §2.1).
package enum GrantType: String, CaseIterable, Sendable {
    case clientCredentials = "client_credentials"
    case tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
}

/// The text of a registration access token, which is shown when the client is registered and never
/// stored (RFC 7592 §3).
package enum RegistrationTokenText {
    /// Random bytes that a token is made of.
    package static let randomBytes = 32

    /// Makes the text: 46 characters, out of `randomBytes` bytes from a cryptographic source. The
    /// prefix tells people, and programs that look for leaked secrets, what it is.
    package static func make(fromRandom random: [UInt8]) -> String {
        "rt_" + ClientSecretText.make(fromRandom: random)
    }

    /// The digest that the registry keeps in place of the text.
    package static func digest(of text: String, sha256: ([UInt8]) -> [UInt8]) -> [UInt8] {
        ClientSecretText.digest(of: text, sha256: sha256)
    }
}
