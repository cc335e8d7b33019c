package import Clients
package import Cryptography
import Tokens

extension KeyChange {
    /// Writes it into the audit log, unless nothing was changed. `command` is what was asked for,
    /// such as `key.rotate`; nil where time did it. `now` is in seconds since the Unix epoch.
    package func append(
        to registry: any Registry, command: String? = nil, by actor: Actor, at now: Int64
    ) throws(RegistryFailure) {
        if case .waiting = self { return }
        let isGone = if case .removed = self { true } else { false }
        try registry.appendAudit(
            action: command ?? (isGone ? "key.remove" : "key.promote"), target: key.keyID,
            details: "\(key.algorithm.rawValue), " + (isGone ? "gone" : key.stage.rawValue),
            by: actor, at: now)
    }
}

/// Tells the log and the audit log what happened to the keys while the service runs.
package struct KeyReports: Sendable {
    private let log: @Sendable (StaticString, [(StaticString, String)]) -> Void
    private let registry: any Registry
    private let now: @Sendable () -> Int64

    /// `now` is in seconds since the Unix epoch.
    package init(
        log: @escaping @Sendable (StaticString, [(StaticString, String)]) -> Void,
        registry: any Registry, now: @escaping @Sendable () -> Int64
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
                try change.append(to: registry, by: .server, at: now())
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
