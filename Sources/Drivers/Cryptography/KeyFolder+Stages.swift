package import Tokens

/// When a key that is not the signing one yet is to sign.
package enum KeyRotationPace: Sendable, Equatable {
    /// Once verifiers have had the time to fetch it; `KeyFolder.advance` promotes it then.
    case afterPublishing
    /// Now: verifiers with an older key set refuse its tokens until they fetch that anew.
    case immediate
}

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
}

// MARK: Changing stages

extension KeyFolder {
    /// Brings in the next signing key. No second one is made while one waits: that one is then the
    /// next. Where no key signs, the next one does so at once.
    ///
    /// - Parameters:
    ///   - algorithm: That of the signing key where nil. A waiting key of another algorithm is
    ///     refused, or left waiting at an immediate pace.
    ///   - pace: When the key is to sign.
    ///   - now: Seconds since the Unix epoch.
    /// - Returns: The next key, and what was done with it.
    /// - Throws: `KeyFolderError`; then nothing was changed.
    package func rotate(
        to algorithm: SignatureAlgorithm? = nil, _ pace: KeyRotationPace,
        atSecondsSinceEpoch now: Int64
    ) throws(KeyFolderError) -> KeyChange {
        let folder = try lockedFolder()
        let keys = try finish(try read(folder), in: folder)
        let isAtOnce = pace == .immediate || keys.signing == nil
        let waiting = keys.published.first { algorithm == nil || $0.algorithm == algorithm }
        if !isAtOnce, let waiting { return .waiting(waiting) }
        if !isAtOnce, let other = keys.published.first {
            throw .refused(.otherKeyWaits(keyID: other.keyID, other.algorithm))
        }
        let algorithm = algorithm ?? keys.signing?.algorithm ?? .es256
        let next: StoredKey
        if let waiting {
            next = waiting
        } else {
            next = try create(algorithm, .published, now, in: folder)
        }
        guard isAtOnce else { return .published(next) }
        return .promoted(try promote(next, over: keys.signing, now, in: folder))
    }

    /// Ends a key's use: a published one never signs, and one that is retired stays so.
    ///
    /// - Throws: `KeyChangeRefusal.signs` for the signing key, which needs a successor first.
    package func retire(
        keyID: String, atSecondsSinceEpoch now: Int64
    ) throws(KeyFolderError) -> StoredKey {
        let folder = try lockedFolder()
        let key = try find(keyID, in: try finish(try read(folder), in: folder))
        guard key.stage == .published else { return key }
        return try move(key, to: .retired, now, in: folder)
    }

    /// Takes a key out of the folder for good: every token that it signed is refused from now on.
    ///
    /// - Throws: `KeyChangeRefusal.signs` for the signing key.
    package func remove(keyID: String) throws(KeyFolderError) -> StoredKey {
        let folder = try lockedFolder()
        let key = try find(keyID, in: try finish(try read(folder), in: folder))
        try folder.remove(key.fileName)
        return key
    }

    /// Adds a key that was made elsewhere. Makes the folder where it is missing; where no key
    /// signs, the new one does so at once.
    ///
    /// - Parameters:
    ///   - pem: One private key without a password. Overwritten when this returns.
    ///   - now: Seconds since the Unix epoch.
    /// - Returns: The new key, and whether it signs.
    /// - Throws: `KeyFolderError`; `KeyChangeRefusal` says what is wrong with the key.
    package func importKey(
        wiping pem: inout [UInt8], atSecondsSinceEpoch now: Int64
    ) throws(KeyFolderError) -> KeyChange {
        defer { eraseSecret(&pem) }
        let key: SigningKey
        do throws(CryptographyError) {
            key = try SigningKey(pem: pem)
        } catch {
            throw .refused(.importedKey(error))
        }
        try FolderDescriptor.make(path: path)
        let folder = try lockedFolder()
        let keys = try finish(try read(folder), in: folder)
        let same = keys.keys.first { $0.keyID == key.publicKey.keyID }
        if let same { throw .refused(.alreadyThere(keyID: same.keyID, same.stage)) }
        let added = try add(key, .published, now, to: folder)
        guard keys.signing == nil else { return .published(added) }
        return .promoted(try promote(added, over: nil, now, in: folder))
    }

    /// Does what time asks for: promotes the published key that waited longest once it has waited
    /// `publishSeconds`, or at once where none signs, and removes retired ones whose tokens have
    /// all run out. Takes the lock, and writes, only if there is something to do.
    ///
    /// - Returns: What was done, in its order.
    package func advance(
        publishSeconds: Int64, atSecondsSinceEpoch now: Int64
    ) throws(KeyFolderError) -> [KeyChange] {
        func due(_ keys: KeyFolderSnapshot) -> (next: StoredKey?, gone: [StoredKey]) {
            let next = keys.published.first
            let isDue = next.map { keys.signing == nil || $0.since + publishSeconds <= now }
            return (isDue == true ? next : nil, keys.retired.filter { ($0.goneAt ?? now) <= now })
        }
        let seen = try load()
        guard due(seen).next != nil || !due(seen).gone.isEmpty || !seen.interrupted.isEmpty else {
            return []
        }
        let folder = try lockedFolder()
        let keys = try finish(try read(folder), in: folder)
        var changes: [KeyChange] = []
        if let next = due(keys).next {
            changes.append(.promoted(try promote(next, over: keys.signing, now, in: folder)))
        }
        for key in due(keys).gone {
            try folder.remove(key.fileName)
            changes.append(.removed(key))
        }
        return changes
    }

    /// Does the second rename of promotions that were interrupted after the first.
    private func finish(
        _ keys: KeyFolderSnapshot, in folder: borrowing FolderDescriptor
    ) throws(KeyFolderError) -> KeyFolderSnapshot {
        guard !keys.interrupted.isEmpty else { return keys }
        for key in keys.interrupted { try move(key, to: .retired, key.since, in: folder) }
        return try read(folder)
    }

    private func find(
        _ keyID: String, in keys: KeyFolderSnapshot
    ) throws(KeyFolderError) -> StoredKey {
        guard let key = keys.keys.first(where: { $0.keyID == keyID }) else {
            throw .refused(.unknownKey(keyID: keyID, path: path))
        }
        guard key.stage != .signing else { throw .refused(.signs(keyID: keyID)) }
        return key
    }
}
