package import Cryptography
import Dispatch
import Locking
package import SigningKeys
import Synchronization
package import TokenIssuing
package import Tokens

/// The keys in use, which follow what is kept while the service runs: in a folder, or in the
/// registry.
///
/// Once a second that is looked at; what changed there is in use from then on. What cannot be read,
/// or has no key that signs, changes nothing: the keys known last stay in use.
package final class LiveKeys: Sendable {
    /// The keys at one moment, and what is made of them.
    package final class Snapshot: Sendable {
        package let signing: SigningKey
        /// Those of all stages, the signing one first.
        package let verification: [PublicKey]
        /// JWK set of `verification`, serialised (RFC 7517 §5).
        package let keySet: [UInt8]
        package let issuer: TokenIssuer

        /// An issuer whose key stays keeps what it has prepared.
        fileprivate init(_ signing: SigningKey, _ verification: [PublicKey], after old: Snapshot?) {
            let isSame = old?.signing.publicKey == signing.publicKey
            self.signing = isSame ? old?.signing ?? signing : signing
            self.verification = verification
            keySet = JWKSet.serialize(verification)
            issuer = isSame ? old?.issuer ?? TokenIssuer(key: signing) : TokenIssuer(key: signing)
        }
    }

    /// What a process does to its keys.
    package enum Duty: Sendable, Equatable {
        /// Follows changes alone.
        case follow
        /// Also promotes a key that was published this long, and removes those past use.
        case keep(publishSeconds: Int)
    }

    /// What happened to the keys.
    package enum Event: Sendable, Equatable {
        case changed(KeyChange)
        /// What is kept is in a state that changes nothing.
        case trouble(KeyStoreError)
        case recovered
    }

    private struct Following: Sendable {
        var known: KeySnapshot?
        var mark: KeyMark?
        var trouble: KeyStoreError?
        var lookTrouble: KeyStoreError?
        var onChange: @Sendable (Snapshot) -> Void = { _ in }
        var onEvent: @Sendable (Event) -> Void = { _ in }
    }

    private let store: any SigningKeyStore
    private let duty: Duty
    private let now: @Sendable () -> Int64
    private let snapshot: Lock<Snapshot>
    private let following = Lock(Following())
    private let turns = LookTurns()
    private let isStopped = Atomic(false)
    private let queue = DispatchQueue(label: "keys")

    /// Reads the keys; makes the first one where there is none.
    ///
    /// - Parameters:
    ///   - store: Where they are kept.
    ///   - algorithm: That of the first key.
    ///   - duty: Whether to change keys when their time has come.
    ///   - now: Seconds since the Unix epoch.
    /// - Throws: `KeyStoreError`, which names what is not as it should be.
    package init(
        store: any SigningKeyStore, algorithm: SignatureAlgorithm, duty: Duty,
        now: @escaping @Sendable () -> Int64
    ) throws(KeyStoreError) {
        self.store = store
        self.duty = duty
        self.now = now
        let keys = try store.loadOrCreate(algorithm, at: now())
        snapshot = Lock(Snapshot(keys.signing, keys.verification, after: nil))
    }

    package var current: Snapshot { snapshot.withLock { $0 } }

    /// Every key with its stage, as of the last look.
    package var stored: [StoredKey] { following.withLock { $0.known?.keys ?? [] } }

    /// Whether changes write their own lines of the audit log.
    package var writesAudit: Bool { store.writesAudit }

    /// Why the keys could not be followed at the last tick; nil where it could. A stage that
    /// could not be moved on is none of these: all keys are known then.
    package var trouble: KeyStoreError? { following.withLock { $0.lookTrouble } }

    /// Follows the keys until `stop`; see `observe` for the closures.
    package func start(
        onEvent: @escaping @Sendable (Event) -> Void = { _ in },
        onChange: @escaping @Sendable (Snapshot) -> Void
    ) {
        observe(onEvent: onEvent, onChange: onChange)
        queue.async { [weak self] in self?.run() }
    }

    package func stop() { isStopped.store(true, ordering: .relaxed) }

    /// - Parameters:
    ///   - onEvent: Called for the log.
    ///   - onChange: Called with new keys just before they are in use, so that whoever verifies
    ///     knows a key before it signs.
    func observe(
        onEvent: @escaping @Sendable (Event) -> Void = { _ in },
        onChange: @escaping @Sendable (Snapshot) -> Void
    ) {
        following.withLock {
            $0.onChange = onChange
            $0.onEvent = onEvent
        }
    }

    private func run() {
        guard !isStopped.load(ordering: .relaxed) else { return }
        tick()
        queue.asyncAfter(deadline: .now() + .seconds(1)) { [weak self] in self?.run() }
    }

    /// Does what a second brings: a look at the keys, and stages that time moves on. Each trouble
    /// is told once.
    func tick() {
        turns.refill()
        var lookTrouble = failure { () throws(KeyStoreError) in _ = try lookInTurn() }
        var advanceTrouble: KeyStoreError?
        var isAdvanced = false
        if lookTrouble?.isOfStages ?? true {
            advanceTrouble = failure { () throws(KeyStoreError) in isAdvanced = try advance() }
        }
        if isAdvanced {
            lookTrouble = failure { () throws(KeyStoreError) in _ = try lookInTurn() }
        }
        let trouble = advanceTrouble ?? lookTrouble
        let event: Event? = following.withLock { following in
            following.lookTrouble = lookTrouble
            defer { following.trouble = trouble }
            guard let trouble else { return following.trouble == nil ? nil : .recovered }
            return following.trouble?.isSame(as: trouble) == true ? nil : .trouble(trouble)
        }
        if let event { tell(event) }
    }

    private func failure(of work: () throws(KeyStoreError) -> Void) -> KeyStoreError? {
        do throws(KeyStoreError) {
            try work()
            return nil
        } catch {
            return error
        }
    }

    /// Looks at the keys now, such as when a token names one that is not known yet. Of a folder
    /// that costs some microseconds; another machine is asked a few times in a second at most, and
    /// not at all while it is known to be away: any stranger can name a key.
    ///
    /// - Returns: Whether there were new keys.
    func refresh() -> Bool {
        if store.isRemote, trouble != nil { return false }
        guard turns.take(isFree: !store.isRemote) else { return false }
        defer { turns.end() }
        return (try? look()) ?? false
    }

    /// - Returns: Whether anything was changed.
    private func advance() throws(KeyStoreError) -> Bool {
        guard case .keep(let publishSeconds) = duty,
            let known = following.withLock({ $0.known })
        else { return false }
        let changes = try store.advance(known, publishSeconds: Int64(publishSeconds), at: now())
        for change in changes { tell(.changed(change)) }
        return !changes.isEmpty
    }

    private func tell(_ event: Event) { following.withLock { $0 }.onEvent(event) }

    private func lookInTurn() throws(KeyStoreError) -> Bool {
        turns.await()
        defer { turns.end() }
        return try look()
    }

    /// To be called by one thread at a time. No lock is held while a store is asked.
    private func look() throws(KeyStoreError) -> Bool {
        let (mark, onChange) = following.withLock { ($0.mark, $0.onChange) }
        guard let found = try store.look(after: mark) else { return false }
        following.withLock { $0.known = found.keys }
        guard let signing = found.keys.signing else { throw .noSigningKey(place: store.place) }
        let isNew = adopt(signing.key, found.keys.verification, onChange)
        following.withLock { $0.mark = found.mark }
        return isNew
    }

    private func adopt(
        _ signing: SigningKey, _ verification: [PublicKey], _ onChange: (Snapshot) -> Void
    ) -> Bool {
        let old = current
        guard old.verification != verification else { return false }
        let new = Snapshot(signing, verification, after: old)
        onChange(new)
        snapshot.withLock { $0 = new }
        return true
    }
}

extension KeyStoreError {
    /// Whether the keys could be read, and what is wrong with them is theirs to mend.
    fileprivate var isOfStages: Bool { if case .noSigningKey = self { true } else { false } }
}
