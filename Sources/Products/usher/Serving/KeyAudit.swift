import Clients
import Cryptography
import Tokens

/// Writes changes of keys into the registry's audit log.
struct KeyAudit: Sendable {
    let registry: any Registry
    let actor: Actor

    /// Writes nothing where nothing was changed. `command` is what was asked for, such as
    /// `key.rotate`; nil where time did it.
    func append(_ change: KeyChange, command: String? = nil) throws(RegistryFailure) {
        if case .waiting = change { return }
        let isGone = if case .removed = change { true } else { false }
        try registry.appendAudit(
            action: command ?? (isGone ? "key.remove" : "key.promote"), target: change.key.keyID,
            details: "\(change.key.algorithm.rawValue), "
                + (isGone ? "gone" : change.key.stage.rawValue),
            by: actor, at: Clock.now())
    }
}

/// Tells the log and the audit log what happened to the keys while the service runs.
struct KeyReports: Sendable {
    let log: ServiceLog
    let audit: KeyAudit

    @Sendable func report(_ event: LiveKeys.Event) {
        switch event {
        case .changed(let change):
            log.write(Self.name(change), [("kid", change.key.keyID)])
            do throws(RegistryFailure) {
                try audit.append(change)
            } catch {
                log.write("registry_unavailable", [("code", error.code)])
            }
        case .trouble(let error):
            log.write("keys_not_followed", [("code", error.code), ("reason", "\(error)")])
        case .recovered:
            log.write("keys_followed", [])
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
