package import Clients
import Cryptography
package import Tokens

/// When a key that is not the signing one yet is to sign.
package enum KeyRotationPace: Sendable, Equatable {
    /// Once verifiers have had the time to fetch it; `SigningKeyStore.advance` promotes it then.
    case afterPublishing
    /// Now: verifiers with an older key set refuse its tokens until they fetch that anew.
    case immediate
}

/// How keys go through their stages, wherever they are kept. Times are in seconds since the Unix
/// epoch.
extension SigningKeyStore {
    /// All keys: the signing one first, then the published, then the retired ones.
    package func list() throws(KeyStoreError) -> [StoredKey] { try load().keys }

    /// Reads all keys, and sees to it that one signs: the published one that waited longest, or
    /// else a new one.
    ///
    /// A new key is there whole or not at all, also after a power cut, and processes that start at
    /// the same time settle on one.
    ///
    /// - Parameters:
    ///   - algorithm: That of a new key; one that is there keeps its own.
    ///   - now: When it signs from.
    /// - Returns: The keys of all stages.
    /// - Throws: `KeyStoreError`, which names what is not as it should be; nothing is repaired.
    package func loadOrCreate(
        _ algorithm: SignatureAlgorithm, at now: Int64
    ) throws(KeyStoreError) -> LoadedKeys {
        try prepare()
        var keys = try load()
        if keys.signing == nil {
            keys = try change { change in
                let keys = try change.keys()
                guard keys.signing == nil else { return keys }  // Somebody else was faster.
                try Self.appoint(algorithm, keys, now, in: change)
                return try change.keys()
            }
        }
        guard let signing = keys.signing else { throw .noSigningKey(place: place) }
        return LoadedKeys(signing: signing.key, verification: keys.verification)
    }

    private static func appoint(
        _ algorithm: SignatureAlgorithm, _ keys: KeySnapshot, _ now: Int64,
        in change: any KeyChanging
    ) throws {
        if let waiting = keys.published.first {
            let promoted = try change.promote(waiting, over: nil, now)
            try change.note(.promoted(promoted), nil, .server, now)
        } else {
            let made = try change.create(algorithm, .signing, now)
            try change.note(.promoted(made), "key.create", .server, now)
        }
    }

    /// Brings in the next signing key. No second one is made while one waits: that one is then the
    /// next. Where no key signs, the next one does so at once.
    ///
    /// - Parameters:
    ///   - algorithm: That of the signing key where nil. A waiting key of another algorithm is
    ///     refused, or left waiting at an immediate pace.
    ///   - pace: When the key is to sign.
    ///   - actor: Who asks.
    ///   - now: When.
    /// - Returns: The next key, and what was done with it.
    /// - Throws: `KeyStoreError`; then nothing was changed.
    package func rotate(
        to algorithm: SignatureAlgorithm? = nil, _ pace: KeyRotationPace, by actor: Actor,
        at now: Int64
    ) throws(KeyStoreError) -> KeyChange {
        try change { change in
            let keys = try change.keys()
            let isAtOnce = pace == .immediate || keys.signing == nil
            let waiting = keys.published.first { algorithm == nil || $0.algorithm == algorithm }
            if !isAtOnce, let waiting { return .waiting(waiting) }
            if !isAtOnce, let other = keys.published.first {
                throw KeyStoreError.refused(.otherKeyWaits(keyID: other.keyID, other.algorithm))
            }
            let algorithm = algorithm ?? keys.signing?.algorithm ?? .es256
            let next = try waiting ?? change.create(algorithm, .published, now)
            let done: KeyChange =
                isAtOnce
                ? .promoted(try change.promote(next, over: keys.signing, now)) : .published(next)
            try change.note(done, "key.rotate", actor, now)
            return done
        }
    }

    /// Ends a key's use: a published one never signs, and one that is retired stays so.
    ///
    /// - Throws: `KeyChangeRefusal.signs` for the signing key, which needs a successor first.
    package func retire(
        keyID: String, by actor: Actor, at now: Int64
    ) throws(KeyStoreError) -> StoredKey {
        try change { change in
            let key = try find(keyID, in: try change.keys())
            guard key.stage == .published else { return key }
            let retired = try change.move(key, to: .retired, since: now)
            try change.note(.retired(retired), "key.retire", actor, now)
            return retired
        }
    }

    /// Takes a key out for good: every token that it signed is refused from now on.
    ///
    /// - Throws: `KeyChangeRefusal.signs` for the signing key.
    package func remove(
        keyID: String, by actor: Actor, at now: Int64
    ) throws(KeyStoreError) -> StoredKey {
        try change { change in
            let key = try find(keyID, in: try change.keys())
            try change.remove(key)
            try change.note(.removed(key), "key.remove", actor, now)
            return key
        }
    }

    private func find(_ keyID: String, in keys: KeySnapshot) throws(KeyStoreError) -> StoredKey {
        guard let key = keys[keyID] else {
            throw .refused(.unknownKey(keyID: keyID, place: place))
        }
        guard key.stage != .signing else { throw .refused(.signs(keyID: keyID)) }
        return key
    }

    /// Adds a key that was made elsewhere. Where no key signs, the new one does so at once.
    ///
    /// - Parameters:
    ///   - pem: One private key without a password. Overwritten when this returns.
    ///   - actor: Who brings it.
    ///   - now: When.
    /// - Returns: The new key, and whether it signs.
    /// - Throws: `KeyStoreError`; `KeyChangeRefusal` says what is wrong with the key.
    package func importKey(
        wiping pem: inout [UInt8], by actor: Actor, at now: Int64
    ) throws(KeyStoreError) -> KeyChange {
        defer { eraseSecret(&pem) }
        let key: SigningKey
        do throws(CryptographyError) {
            key = try SigningKey(pem: pem)
        } catch {
            throw .refused(.importedKey(error))
        }
        try prepare()
        return try change { change in
            let keys = try change.keys()
            if let same = keys[key.publicKey.keyID] {
                throw KeyStoreError.refused(.alreadyThere(keyID: same.keyID, same.stage))
            }
            let added = try change.add(key, .published, since: now)
            let done: KeyChange =
                keys.signing == nil
                ? .promoted(try change.promote(added, over: nil, now)) : .published(added)
            try change.note(done, "key.import", actor, now)
            return done
        }
    }

    /// Adds all keys of another place, each in its stage since its time. Where these same keys are
    /// there already nothing is changed.
    ///
    /// - Returns: Whether they were added.
    /// - Throws: `KeyChangeRefusal.keysThere` where there are others.
    package func importKeys(
        _ new: KeySnapshot, by actor: Actor, at now: Int64
    ) throws(KeyStoreError) -> Bool {
        try prepare()
        return try change { change in
            let keys = try change.keys()
            guard keys != new else { return false }
            guard keys.keys.isEmpty else {
                throw KeyStoreError.refused(.keysThere(place: place, count: keys.keys.count))
            }
            for key in new.keys {
                let added = try change.add(key.key, key.stage, since: key.since)
                try change.note(.published(added), "key.import", actor, now)
            }
            return true
        }
    }

    /// Does what time asks for: promotes the published key that waited longest once it has waited
    /// `publishSeconds`, or at once where none signs, and removes retired ones whose tokens have
    /// all run out. Asks for the right to change, and writes, only if `seen` has something to do.
    ///
    /// - Returns: What was done, in its order.
    package func advance(
        _ seen: KeySnapshot, publishSeconds: Int64, at now: Int64
    ) throws(KeyStoreError) -> [KeyChange] {
        guard seen.isDue(publishSeconds, now) else { return [] }
        return try change { change in
            let keys = try change.keys()
            var changes: [KeyChange] = []
            if let next = keys.next(publishSeconds, now) {
                changes.append(.promoted(try change.promote(next, over: keys.signing, now)))
            }
            for key in keys.gone(now) {
                try change.remove(key)
                changes.append(.removed(key))
            }
            for done in changes { try change.note(done, nil, .server, now) }
            return changes
        }
    }
}

extension KeySnapshot {
    fileprivate func isDue(_ publishSeconds: Int64, _ now: Int64) -> Bool {
        isUnfinished || next(publishSeconds, now) != nil || !gone(now).isEmpty
    }

    /// The published key whose time to sign has come.
    fileprivate func next(_ publishSeconds: Int64, _ now: Int64) -> StoredKey? {
        published.first.flatMap { signing == nil || $0.since + publishSeconds <= now ? $0 : nil }
    }

    /// Those past use.
    fileprivate func gone(_ now: Int64) -> [StoredKey] {
        retired.filter { ($0.goneAt ?? now) <= now }
    }
}

extension KeyChanging {
    fileprivate func create(
        _ algorithm: SignatureAlgorithm, _ stage: KeyStage, _ now: Int64
    ) throws -> StoredKey {
        let key: SigningKey
        do throws(CryptographyError) {
            key = try SigningKey.generate(algorithm)
        } catch {
            throw KeyStoreError.generation(error)
        }
        return try add(key, stage, since: now)
    }

    /// Lets `key` sign and retires `old`.
    fileprivate func promote(
        _ key: StoredKey, over old: StoredKey?, _ now: Int64
    ) throws -> StoredKey {
        // Newer than the old one, also when the clock was set back: the newest signs.
        let since = max(now, old.map { $0.since + 1 } ?? now)
        let promoted = try move(key, to: .signing, since: since)
        if let old { try move(old, to: .retired, since: since) }
        return promoted
    }

    fileprivate func note(
        _ change: KeyChange, _ command: String?, _ actor: Actor, _ now: Int64
    ) throws {
        if let entry = change.entry(command, by: actor, at: now) { try note(entry) }
    }
}
