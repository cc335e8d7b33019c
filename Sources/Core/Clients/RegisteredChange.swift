/// What a client that was registered over HTTP replaces of its registration, beside what every
/// update may change (RFC 7592 §2.2).
package struct RegisteredChange: Equatable, Sendable {
    /// What becomes of its secrets.
    package enum Secrets: Equatable, Sendable {
        case kept
        /// One that was made for it just now, in place of all before.
        case issued(ClientSecret)
        case dropped
    }

    package let authenticationMethod: AuthenticationMethod
    package let grantTypes: [GrantType]
    package let secrets: Secrets

    package init(
        authenticationMethod: AuthenticationMethod, grantTypes: [GrantType], secrets: Secrets
    ) {
        self.authenticationMethod = authenticationMethod
        self.grantTypes = grantTypes
        self.secrets = secrets
    }

    /// A client that an operator added keeps its own.
    func secrets(of client: Client) -> [ClientSecret] {
        guard client.registration != nil else { return client.secrets }
        switch secrets {
        case .kept: return client.secrets
        case .issued(let secret): return [secret]
        case .dropped: return []
        }
    }

    func applied(to registration: ClientRegistration) -> ClientRegistration {
        ClientRegistration(
            tokenDigest: registration.tokenDigest, registrar: registration.registrar,
            authenticationMethod: authenticationMethod, grantTypes: grantTypes)
    }
}
