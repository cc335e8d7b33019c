import Bytes
import Clients
import StrictJSON
import Tokens

/// The authorization server's metadata (RFC 8414 §2).
enum ServerMetadata {
    static let authenticationMethods = AuthenticationMethod.allCases.map { ByteText($0.rawValue) }
    static let grantTypes = GrantType.allCases.map { ByteText($0.rawValue) }
    /// What clients may sign assertions with; never `none`, and nothing symmetric.
    static let assertionAlgorithms = SignatureAlgorithm.allCases.filter { !$0.isSymmetric }

    /// The document, serialised.
    ///
    /// `response_types_supported` is left out: there is no authorization endpoint, and RFC 8414
    /// §3.2 drops empty lists.
    static func document(_ issuer: String, hasRegistration: Bool) -> [UInt8] {
        let base = base(issuer)
        var document: JSONObject = [
            "issuer": .string(issuer), "jwks_uri": .string("\(base)\(Discovery.keySetPath)"),
            "grant_types_supported": strings(grantTypes),
            "scopes_supported": strings(
                ["signal", Client.sessionScope]
                    + (hasRegistration ? [Client.registrationScope] : [])),
        ]
        if hasRegistration {
            document["registration_endpoint"] = .string("\(base)\(RegistrationEndpoint.path)")
        }
        for (name, path) in endpoints {
            document["\(name)_endpoint"] = .string("\(base)\(path)")
            document["\(name)_endpoint_auth_methods_supported"] = strings(authenticationMethods)
            document["\(name)_endpoint_auth_signing_alg_values_supported"] =
                strings(assertionAlgorithms.map { ByteText($0.rawValue) })
        }
        return JSONValue.object(document).serialized()
    }

    /// What paths are appended to.
    static func base(_ issuer: String) -> String {
        issuer.utf8.last == UInt8(ascii: "/") ? String(Substring(issuer.utf8.dropLast())) : issuer
    }

    private static let endpoints: [(ByteText, ByteText)] = [
        ("token", TokenEndpoint.path), ("introspection", IntrospectionEndpoint.path),
        ("revocation", RevocationEndpoint.path),
    ]

    private static func strings(_ texts: [ByteText]) -> JSONValue {
        .array(texts.map { .string($0) })
    }
}
