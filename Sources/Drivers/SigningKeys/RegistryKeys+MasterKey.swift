package import Clients

/// What the first step of replacing the master key came to.
package struct MasterKeyStep: Equatable, Sendable {
    package let new: MasterKeyID
    package let old: MasterKeyID
    /// Whether the new one was made now; else it stood there already.
    package let isNew: Bool
}

/// What the second step came to.
package struct MasterKeyEnd: Equatable, Sendable {
    package let new: MasterKeyID
    /// What stood in the second line; nil where none did.
    package let old: MasterKeyID?
    /// How many keys were sealed anew.
    package let count: Int
}

/// The master key is replaced in two steps, so that every host has the new one before anything is
/// sealed under it. Each can be taken again wherever it was cut off.
extension RegistryKeys {
    /// Puts a new master key into the file's first line, beside the one in use.
    ///
    /// - Throws: `KeyStoreError`, also where a key does not open under the one in use; then the
    ///   file is as it was.
    package func beginMasterKey(
        by actor: Actor, at now: Int64
    ) throws(KeyStoreError) -> MasterKeyStep {
        try transact(.write) { rows in
            _ = try self.snapshot(of: try rows.sealedKeys())
            let step: MasterKeyStep
            do throws(MasterKeyError) {
                let (new, old, isNew) = try self.masterKeys.addKey()
                step = MasterKeyStep(new: new, old: old, isNew: isNew)
            } catch {
                throw KeyStoreError.masterKey(error)
            }
            if step.isNew {
                try rows.append(
                    .masterKey("master_key.rotate", step.new, "beside \(step.old)", actor, now))
            }
            return step
        }
    }

    /// Seals every key under the master key in the first line, in one transaction, and then takes
    /// the second line out.
    ///
    /// - Throws: `KeyStoreError`; `.masterKey` with `.unwritable` where all is sealed anew and the
    ///   second line is still there.
    package func finishMasterKey(
        by actor: Actor, at now: Int64
    ) throws(KeyStoreError) -> MasterKeyEnd {
        let ids = masterKeys.ids
        let new = masterKeys.first
        let old = ids.count > 1 ? ids[1] : nil
        let count = try transact(.write) { rows in
            var count = 0
            for row in try rows.sealedKeys() where MasterKeyID(row.head.masterKeyID) != new.id {
                try rows.put(
                    try new.sealed(try self.open(row), row.head.stage, since: row.head.since))
                count += 1
            }
            for head in try rows.sealedKeyHeads() {
                precondition(MasterKeyID(head.masterKeyID) == new.id, "all were sealed anew")
            }
            if old != nil || count > 0 {
                let details = "keys sealed anew: \(count)" + (old.map { ", \($0) is out" } ?? "")
                try rows.append(.masterKey("master_key.finish", new.id, details, actor, now))
            }
            return count
        }
        do throws(MasterKeyError) {
            try masterKeys.dropOldKey(beside: new.id)
        } catch {
            throw .masterKey(error)
        }
        return MasterKeyEnd(new: new.id, old: old, count: count)
    }
}

extension AuditEntry {
    fileprivate static func masterKey(
        _ action: String, _ id: MasterKeyID, _ details: String, _ actor: Actor, _ now: Int64
    ) -> AuditEntry {
        AuditEntry(
            id: 0, at: now, actor: actor.description, action: action, target: id.text,
            details: details)
    }
}
