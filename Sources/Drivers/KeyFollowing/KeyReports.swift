package import Clients
import SigningKeys

/// Tells the log and the audit log what happened to the keys while the service runs.
package struct KeyReports: Sendable {
    private let log: @Sendable (StaticString, [(StaticString, String)]) -> Void
    private let registry: (any Registry)?
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - log: Writes a line of the log.
    ///   - registry: Takes lines of the audit log; nil where a change of keys writes its own.
    ///   - now: Seconds since the Unix epoch.
    package init(
        log: @escaping @Sendable (StaticString, [(StaticString, String)]) -> Void,
        registry: (any Registry)?, now: @escaping @Sendable () -> Int64
    ) {
        self.log = log
        self.registry = registry
        self.now = now
    }

    @Sendable package func report(_ event: LiveKeys.Event) {
        switch event {
        case .changed(let change):
            log(Self.name(change), [("kid", change.key.keyID)])
            do throws(RegistryFailure) {
                try registry?.append(change, by: .server, at: now())
            } catch {
                log("registry_unavailable", [("code", error.code)])
            }
        case .trouble(let error):
            log("keys_not_followed", [("code", error.code), ("reason", "\(error)")])
        case .recovered:
            log("keys_followed", [])
        }
    }

    private static func name(_ change: KeyChange) -> StaticString {
        switch change {
        case .published: "key_published"
        case .waiting: "key_waiting"
        case .promoted: "key_promoted"
        case .retired: "key_retired"
        case .removed: "key_removed"
        }
    }
}
