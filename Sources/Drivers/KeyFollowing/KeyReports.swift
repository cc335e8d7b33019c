package import Cryptography
import Tokens

/// What the audit log says of a change of keys.
package struct KeyAudit: Equatable, Sendable {
    package let action: String
    package let target: String
    package let details: String

    /// nil where nothing was changed. `command` is what was asked for, such as `key.rotate`; nil
    /// where time did it.
    package init?(_ change: KeyChange, command: String? = nil) {
        if case .waiting = change { return nil }
        let isGone = if case .removed = change { true } else { false }
        action = command ?? (isGone ? "key.remove" : "key.promote")
        target = change.key.keyID
        details =
            "\(change.key.algorithm.rawValue), "
            + (isGone ? "gone" : change.key.stage.rawValue)
    }
}

/// Tells the log and the audit log what happened to the keys while the service runs.
package struct KeyReports: Sendable {
    private let log: @Sendable (StaticString, [(StaticString, String)]) -> Void
    private let audit: @Sendable (KeyAudit) -> String?

    /// `audit` writes a line; the code of what kept it from that, or nil.
    package init(
        log: @escaping @Sendable (StaticString, [(StaticString, String)]) -> Void,
        audit: @escaping @Sendable (KeyAudit) -> String?
    ) {
        self.log = log
        self.audit = audit
    }

    @Sendable package func report(_ event: LiveKeys.Event) {
        switch event {
        case .changed(let change):
            log(Self.name(change), [("kid", change.key.keyID)])
            if let code = KeyAudit(change).flatMap(audit) {
                log("registry_unavailable", [("code", code)])
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
