import Bytes
import Identifiers

/// What is revoked or used up, and what is told of it all.
extension Registry {
    /// Refuses tokens that are out. What is revoked already is revoked once, and logged once.
    ///
    /// Of all tokens of a client, its legacy ones too: they bear no date by which those of before
    /// could be told from those of later, so the secret under which they are good is removed.
    ///
    /// Of two about the same name, the later second and the later end hold.
    ///
    /// - Throws: `.refused` for a name that no token can have; `.revocationsFull`, against which
    ///   revoking everything of a subject or a client helps.
    package func revoke(
        _ revocation: Revocation, by actor: Actor, at now: Int64
    ) throws(RegistryFailure) {
        let bytes = revocation.name.utf8.count
        guard bytes >= 1, bytes <= Revocation.nameBytesMax else {
            throw .refused(
                reason: "what is revoked has a name of 1 to \(Revocation.nameBytesMax) bytes")
        }
        let stamp = AuditStamp(actor: actor, at: now)
        try write { rows in
            try rows.removeLegacySecret(revocation, stamp)
            guard try rows.insert(revocation, by: actor) else { return }
            try rows.append(
                revocation.auditAction, revocation.name, AuditDetails.revoked(revocation), stamp)
        }
    }

    /// Every revocation that has not been dropped yet, in the order in which they were made.
    package func revocations() throws(RegistryFailure) -> [Revocation] {
        try read { try $0.revocations(since: -1) }
    }

    /// Whether a token is marked as used, by its `jti`. That it is not says nothing about the
    /// moment after: only `markTokenUsed` tells who is first.
    package func isTokenUsed(id: String) throws(RegistryFailure) -> Bool {
        try read { try $0.isTokenUsed(id) }
    }

    /// Marks a token as used.
    ///
    /// - Parameters:
    ///   - id: The token's `jti`.
    ///   - expiresAt: The token's end in seconds since the Unix epoch; kept until then.
    /// - Returns: Whether it was not marked before; exactly one of several callers gets true.
    /// - Throws: `RegistryFailure`: nothing is known then, and the token must not pass.
    package func markTokenUsed(id: String, expiresAt: Int64) throws(RegistryFailure) -> Bool {
        guard id.utf8.count <= usedTokenIDBytesMax else {
            throw .refused(reason: "a token's id has at most \(usedTokenIDBytesMax) bytes")
        }
        return try writeMarks { try $0.markTokenUsed(id, until: expiresAt) }
    }

    /// Drops what ended before `now`, in seconds since the Unix epoch: marks of tokens, and
    /// revocations. Take the verifiers' leeway off it. The audit log is never shortened.
    ///
    /// - Returns: How many rows were dropped.
    @discardableResult
    package func purgeExpired(atSecondsSinceEpoch now: Int64) throws(RegistryFailure) -> Int {
        // Others write in between, and no transaction takes longer than a driver allows.
        let marks = try inPortions { () throws(RegistryFailure) in
            try writeMarks {
                try $0.purgeUsedTokens(endedBefore: now, limit: Self.purgedAtOnce)
            }
        }
        return marks
            + (try inPortions { () throws(RegistryFailure) in
                try write {
                    try $0.purgeRevocations(endedBefore: now, limit: Self.purgedAtOnce)
                }
            })
    }

    private static var purgedAtOnce: Int { 10_000 }

    private func inPortions(
        _ purge: () throws(RegistryFailure) -> Int
    ) throws(RegistryFailure) -> Int {
        var sum = 0
        while true {
            let count = try purge()
            sum += count
            if count < Self.purgedAtOnce { return sum }
        }
    }

    /// Adds a line about something that does not lie in the registry, such as a key.
    ///
    /// `action` is `THING.VERB`, stable across releases, and `target` the id of the thing;
    /// `details` are for people and never a secret. Texts that are longer than `AuditEntry` allows
    /// are cut.
    package func appendAudit(
        action: String, target: String, details: String = "", by actor: Actor, at now: Int64
    ) throws(RegistryFailure) {
        try write { try $0.append(action, target, details, AuditStamp(actor: actor, at: now)) }
    }

    /// The audit log after the line `id` (0: from its beginning), oldest first: up to `limit`
    /// lines, and no more than 10 000 at once.
    package func auditEntries(
        after id: Int64, limit: Int
    ) throws(RegistryFailure) -> [AuditEntry] {
        try read { try $0.auditEntries(after: id, limit: AuditEntry.atOnce(limit)) }
    }

    /// The end of the audit log, oldest first; no more than 10 000 lines.
    package func latestAuditEntries(limit: Int) throws(RegistryFailure) -> [AuditEntry] {
        try read { try $0.latestAuditEntries(limit: AuditEntry.atOnce(limit)) }
    }
}

private let usedTokenIDBytesMax = 1024

extension AuditEntry {
    fileprivate static func atOnce(_ limit: Int) -> Int { min(max(limit, 0), 10_000) }
}

extension RegistryRows {
    fileprivate func removeLegacySecret(_ revocation: Revocation, _ stamp: AuditStamp) throws {
        guard case .client(let id, _, _) = revocation, var known = try client(id),
            known.legacySecret != nil
        else { return }
        known.legacySecret = nil
        try put(known)
        let update = try ClientUpdate(legacySecret: .remove)
        try append("client.update", id.string, AuditDetails.changed(update), stamp)
    }

    /// Adds one, or extends the one about the same name; false where that says as much already.
    fileprivate func insert(_ revocation: Revocation, by actor: Actor) throws -> Bool {
        var record = RevocationRecord(revocation, actor: actor)
        let known = try self.revocation(record.kind, revocation.name)
        if let known, !record.extends(known) { return false }
        try removeRevocations(coveredBy: revocation)
        if known == nil { record.share = try share(of: revocation, by: actor) }
        try put(record)
        return true
    }

    /// What a new one counts against, nil where it is always kept; throws where there is no room.
    private func share(
        of revocation: Revocation, by actor: Actor
    ) throws -> RevocationShare.Holder? {
        let kind: RevocationShare
        let clientID: ClientID
        switch (revocation, actor.share) {
        case (.client, _), (_, nil): return nil
        case (_, .sessions(let id)): (kind, clientID) = (.sessions, id)
        case (.token, .client(let id)): (kind, clientID) = (.tokens, id)
        case (.subject, .client(let id)): (kind, clientID) = (.subjects, id)
        }
        let registrar = try client(clientID)?.registration?.registrar
        let share = RevocationShare.Holder(kind: kind, clientID: registrar ?? clientID)
        let held = try revocationCount(of: share)
        guard held >= RevocationShare.entriesAlways else { return share }
        let totals = try revocationTotals(of: kind)
        guard kind.hasRoom(own: held, all: totals.count, holders: totals.holders) else {
            throw RegistryFailure.revocationsFull(kind, max: held)
        }
        return share
    }
}
