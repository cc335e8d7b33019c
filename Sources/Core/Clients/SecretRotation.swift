import Bytes

/// What a rotation makes of a client's secrets.
package struct SecretRotation: Equatable, Sendable {
    /// The longest time that a replaced secret may live on: a year.
    package static let graceSecondsMax: Int64 = 365 * 86_400

    /// Oldest first; the last is the new one, without an end.
    package let secrets: [ClientSecret]
    /// When the secret that was current until now ends; nil when nothing lives on beside the new.
    package let previousExpiresAt: Int64?
    /// Whether a secret that an earlier rotation had given time until later ends now, since only
    /// two may be good at once.
    package let endedEarly: Bool

    /// Adds a secret and dates the end of the one that was current.
    ///
    /// An end that is dated already never moves back into the future. Of three live secrets the
    /// oldest goes at once: a rotation must always be possible, above all when a secret leaked.
    ///
    /// - Parameters:
    ///   - secrets: The client's secrets until now, oldest first.
    ///   - digest: SHA-256 of the new secret.
    ///   - now: Seconds since the Unix epoch.
    ///   - graceSeconds: How long the current secret stays good: 0 (not at all) to a year.
    /// - Throws: `RegistrationError` naming `grace`.
    package init(
        of secrets: [ClientSecret], adding digest: [UInt8], atSecondsSinceEpoch now: Int64,
        graceSeconds: Int64
    ) throws(RegistrationError) {
        try SecretRotation.check(graceSeconds: graceSeconds)
        var kept: [ClientSecret] = []
        for secret in secrets {
            let end = min(secret.expiresAt ?? .max, now + graceSeconds)
            let dated = ClientSecret(
                digest: secret.digest, createdAt: secret.createdAt, expiresAt: end)
            if dated.isLive(atSecondsSinceEpoch: now) { kept.append(dated) }
        }
        let surplus = max(0, kept.count - (ClientSecret.liveMax - 1))
        kept.removeFirst(surplus)
        previousExpiresAt = kept.last?.expiresAt
        endedEarly = surplus > 0
        self.secrets = kept + [ClientSecret(digest: digest, createdAt: now)]
    }

    /// - Throws: `RegistrationError` naming `grace`, for a time that is no grace period.
    package static func check(graceSeconds: Int64) throws(RegistrationError) {
        try RegistrationError.unless(
            (0...graceSecondsMax).contains(graceSeconds), "grace", String(graceSeconds),
            expected: "seconds, 0 to \(graceSecondsMax)")
    }
}
