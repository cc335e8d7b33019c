import Bytes
import Clients
import StrictJSON
import Tokens

/// The authorization server's metadata (RFC 8414 §2).
enum ServerMetadata {
    static let authenticationMethods = AuthenticationMethod.allCases.map(\.rawValue)
    static let grantTypes = GrantType.allCases.map(\.rawValue)
    /// What clients may sign assertions with; never `none`, and nothing symmetric.
    static let assertionAlgorithms = SignatureAlgorithm.allCases.filter { !$0.isSymmetric }

    /// The document, serialised.
    ///
    /// `response_types_supported` is left out: there is no authorization endpoint, and RFC 8414
    /// §3.2 drops empty lists.
    static func document(_ issuer: String, hasRegistration: Bool) -> [UInt8] {
        let base = base(issuer)
        var document: JSONObject = [
            "issuer": .string(issuer), "jwks_uri": .string(base + Discovery.keySetPath),
            "grant_types_supported": strings(grantTypes),
            "scopes_supported": strings(
                ["signal", Client.sessionScope]
                    + (hasRegistration ? [Client.registrationScope] : [])),
        ]
        if hasRegistration {
            document["registration_endpoint"] = .string(base + RegistrationEndpoint.path)
        }
        for (name, path) in endpoints {
            document["\(name)_endpoint"] = .string(base + path)
            document["\(name)_endpoint_auth_methods_supported"] = strings(authenticationMethods)
            document["\(name)_endpoint_auth_signing_alg_values_supported"] =
                strings(assertionAlgorithms.map(\.rawValue))
        }
        return JSONValue.object(document).serialized()
    }

    /// What paths are appended to.
    static func base(_ issuer: String) -> String {
        issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
    }

    private static let endpoints = [
        ("token", TokenEndpoint.path), ("introspection", IntrospectionEndpoint.path),
        ("revocation", RevocationEndpoint.path),
    ]

    private static func strings(_ texts: [String]) -> JSONValue {
        .array(texts.map { .string($0) })
    }
}
