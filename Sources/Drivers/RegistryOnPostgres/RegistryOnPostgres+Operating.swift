package import Clients

/// What operators do with the database, beside its use.
extension RegistryOnPostgres {
    /// Makes the tables where there are none, and brings older ones up to date.
    ///
    /// Has to be the role that owns the registry, or one that may make a schema. `role`, if any, is
    /// the service's: it gets the rights that the service needs, and none to change or to remove
    /// lines of the audit log. Where the role that runs this is the service's own, the tables'
    /// triggers alone keep the log.
    package static func migrate(
        _ target: PostgresTarget, grantingTo role: String? = nil
    ) throws(RegistryFailure) {
        do throws(PostgresFault) {
            let connection = try PostgresConnection.open(
                target, until: PostgresDeadline(after: connectTime))
            // An index on a large table takes its time.
            try PostgresSchema.migrate(
                connection, grantingTo: role, until: PostgresDeadline(after: .seconds(600)))
        } catch {
            throw error.failure
        }
    }

    /// Looks at the database, and changes nothing: a replica is looked at too, and a database that
    /// holds no registry.
    package static func examine(
        _ target: PostgresTarget
    ) throws(RegistryFailure) -> PostgresExamination {
        do throws(PostgresFault) {
            let connection = try PostgresConnection.open(
                target.takingReplicas, until: PostgresDeadline(after: connectTime))
            return try PostgresExamination(connection, until: PostgresDeadline(after: workTime))
        } catch {
            throw error.failure
        }
    }
}
