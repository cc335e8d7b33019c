package import Clients
import Tokens

/// What a change of stages did.
package enum KeyChange: Sendable, Equatable {
    /// A new key, or one that was brought.
    case published(StoredKey)
    /// A key waits already, so none was made.
    case waiting(StoredKey)
    case promoted(StoredKey)
    case retired(StoredKey)
    case removed(StoredKey)

    package var key: StoredKey {
        switch self {
        case .published(let key), .waiting(let key), .promoted(let key), .retired(let key),
            .removed(let key):
            key
        }
    }

    /// Its line of the audit log; nil where nothing was changed. `command` is what was asked for,
    /// such as `key.rotate`; nil where time did it. `now` is in seconds since the Unix epoch.
    package func entry(_ command: String?, by actor: Actor, at now: Int64) -> AuditEntry? {
        if case .waiting = self { return nil }
        let isGone = if case .removed = self { true } else { false }
        return AuditEntry(
            id: 0, at: now, actor: actor.description,
            action: command ?? (isGone ? "key.remove" : "key.promote"), target: key.keyID,
            details: "\(key.algorithm.rawValue), " + (isGone ? "gone" : key.stage.rawValue))
    }
}

extension Registry {
    /// Writes a change of keys that are kept elsewhere into the audit log, unless nothing was
    /// changed; see `KeyChange.entry`.
    package func append(
        _ change: KeyChange, command: String? = nil, by actor: Actor, at now: Int64
    ) throws(RegistryFailure) {
        guard let entry = change.entry(command, by: actor, at: now) else { return }
        try write { try $0.append(entry) }
    }
}
