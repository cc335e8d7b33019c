import Bytes
package import Identifiers
package import Tokens

// What of a client is more than a text, a number or bytes, as a registry has it in columns.

extension Client {
    /// A JSON Web Key Set; nil for no keys.
    package var assertionKeysColumn: [UInt8]? {
        assertionKeys.isEmpty ? nil : JWKSet.serialize(assertionKeys)
    }

    package static func assertionKeys(column: [UInt8]?) throws -> [PublicKey] {
        guard let column else { return [] }
        // Each key was written with its `kid`, so that no thumbprint is ever taken.
        let set = try JWKSet(parsing: column, sha256: { _ in [] })
        guard set.skipped.isEmpty else { throw UnreadableRow() }
        return set.keys
    }

    /// Separated by spaces.
    package var introspectsColumn: String {
        introspects.map(\.string).joined(separator: " ")
    }

    package static func introspects(column: String) -> [ClientID] {
        ByteText(column).split(separator: UInt8(ascii: " ")).map { ClientID($0) }
    }
}

extension ClientRegistration {
    /// Separated by spaces.
    package var grantTypesColumn: String {
        grantTypes.map(\.rawValue).joined(separator: " ")
    }

    package init(
        tokenDigest: [UInt8], registrar: String, methodColumn: String, grantTypesColumn: String
    ) throws {
        let named = ByteText(grantTypesColumn).split(separator: UInt8(ascii: " "))
        let grantTypes = named.compactMap { GrantType(named: $0) }
        guard let method = AuthenticationMethod(named: ByteText(methodColumn)),
            grantTypes.count == named.count
        else { throw UnreadableRow() }
        self.init(
            tokenDigest: tokenDigest, registrar: ClientID(registrar), authenticationMethod: method,
            grantTypes: grantTypes)
    }
}
