import Bytes
import Clients
import FoundationEssentials
internal import GRDB
import Identifiers

/// What clients that were registered over HTTP have beside, to rows and back.
enum RegistrationRows {
    private struct Unreadable: Error {}

    /// nil for a client that an operator added.
    static func registration(_ db: Database, _ id: String) throws -> ClientRegistration? {
        let select = try db.cachedStatement(
            sql: """
                SELECT token_digest, registrar, authentication_method, grant_types
                FROM client_registration WHERE client_id = ?
                """)
        guard let row = try Row.fetchOne(select, arguments: [id]) else { return nil }
        let (digest, method, grants): (Data, String, String) = (row[0], row[2], row[3])
        let grantTypes = ByteText(grants).split(separator: UInt8(ascii: " "))
            .map { GrantType(named: $0) }
        guard let method = AuthenticationMethod(named: ByteText(method)), !grantTypes.contains(nil)
        else {
            throw Unreadable()
        }
        return ClientRegistration(
            tokenDigest: Array(digest), registrar: ClientID(row[1] as String),
            authenticationMethod: method,
            grantTypes: grantTypes.compactMap { $0 })
    }

    /// Who registered the client; nil for one that an operator added, or that is gone.
    static func registrar(_ db: Database, _ id: String) throws -> String? {
        let select = try db.cachedStatement(
            sql: "SELECT registrar FROM client_registration WHERE client_id = ?")
        return try String.fetchOne(select, arguments: [id])
    }

    static func insert(
        _ db: Database, _ id: String, _ registration: ClientRegistration
    ) throws {
        try db.execute(
            sql: "INSERT INTO client_registration VALUES (?, ?, ?, ?, ?)",
            arguments: [
                id, Data(registration.tokenDigest), registration.registrar.string,
                registration.authenticationMethod.rawValue, grantTypes(registration),
            ])
    }

    /// Writes what a `ClientUpdate` may change; token and registrar stay.
    static func update(
        _ db: Database, _ id: String, _ registration: ClientRegistration
    ) throws {
        try db.execute(
            sql: """
                UPDATE client_registration SET authentication_method = ?, grant_types = ?
                WHERE client_id = ?
                """,
            arguments: [
                registration.authenticationMethod.rawValue, grantTypes(registration), id,
            ])
    }

    static func refuseTooMany(_ db: Database, of registrar: String) throws {
        let max = ClientRegistration.perRegistrarMax
        let count =
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM client_registration WHERE registrar = ?",
                arguments: [registrar]) ?? 0
        guard count < max else { throw RegistryError.tooManyRegistrations(max: max) }
    }

    private static func grantTypes(_ registration: ClientRegistration) -> String {
        registration.grantTypes.map(\.rawValue).joined(separator: " ")
    }
}
