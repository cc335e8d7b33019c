package import Cryptography
import Dispatch
import Locking
import Synchronization
package import TokenIssuing
package import Tokens

/// The keys in use, which follow their folder while the service runs.
///
/// Once a second the folder is looked at; what changed there is in use from then on. A folder that
/// cannot be read, or has no key that signs, changes nothing: the keys known last stay in use.
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
        /// The folder is in a state that changes nothing.
        case trouble(KeyFolderError)
        case recovered
    }

    private struct Following: Sendable {
        var stored: [StoredKey] = []
        var mark: KeyFolderMark?
        var trouble: KeyFolderError?
        var lookTrouble: KeyFolderError?
        var onChange: @Sendable (Snapshot) -> Void = { _ in }
        var onEvent: @Sendable (Event) -> Void = { _ in }
    }

    private let folder: KeyFolder
    private let duty: Duty
    private let now: @Sendable () -> Int64
    private let snapshot: Lock<Snapshot>
    private let following = Lock(Following())
    private let isStopped = Atomic(false)
    private let queue = DispatchQueue(label: "keys")

    /// Reads the folder; makes it and its first key where there is none.
    ///
    /// - Parameters:
    ///   - folder: Need not exist.
    ///   - algorithm: That of the first key.
    ///   - duty: Whether to change keys when their time has come.
    ///   - now: Seconds since the Unix epoch.
    /// - Throws: `KeyFolderError`, which names what is not as it should be.
    package init(
        folder: KeyFolder, algorithm: SignatureAlgorithm, duty: Duty,
        now: @escaping @Sendable () -> Int64
    ) throws(KeyFolderError) {
        self.folder = folder
        self.duty = duty
        self.now = now
        let keys = try folder.loadOrCreate(algorithm, atSecondsSinceEpoch: now())
        snapshot = Lock(Snapshot(keys.signing, keys.verification, after: nil))
    }

    package var current: Snapshot { snapshot.withLock { $0 } }

    /// Every key of the folder with its stage, as of the last look.
    package var stored: [StoredKey] { following.withLock { $0.stored } }

    /// Why the folder could not be followed at the last tick; nil where it could. A stage that
    /// could not be moved on is none of these: all keys are known then.
    package var trouble: KeyFolderError? { following.withLock { $0.lookTrouble } }

    /// Follows the folder until `stop`; see `observe` for the closures.
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

    /// Does what a second brings: stages that time moves on, then a look at the folder. Each
    /// trouble is told once.
    func tick() {
        let advanceTrouble = failure(of: advance)
        let lookTrouble = failure { () throws(KeyFolderError) in _ = try look() }
        let trouble = advanceTrouble ?? lookTrouble
        let event: Event? = following.withLock {
            $0.lookTrouble = lookTrouble
            guard $0.trouble != trouble else { return nil }
            $0.trouble = trouble
            return trouble.map { .trouble($0) } ?? .recovered
        }
        if let event { tell(event) }
    }

    private func failure(of work: () throws(KeyFolderError) -> Void) -> KeyFolderError? {
        do throws(KeyFolderError) {
            try work()
            return nil
        } catch {
            return error
        }
    }

    /// Looks at the folder now, such as when a token names a key that is not known yet. Costs some
    /// microseconds where nothing changed.
    ///
    /// - Returns: Whether there were new keys.
    func refresh() -> Bool { (try? look()) ?? false }

    private func advance() throws(KeyFolderError) {
        guard case .keep(let publishSeconds) = duty else { return }
        let changes = try folder.advance(
            publishSeconds: Int64(publishSeconds), atSecondsSinceEpoch: now())
        for change in changes { tell(.changed(change)) }
    }

    private func tell(_ event: Event) { following.withLock { $0 }.onEvent(event) }

    private func look() throws(KeyFolderError) -> Bool {
        try following.withLock { following throws(KeyFolderError) in
            guard let found = try folder.look(after: following.mark) else { return false }
            guard let signing = found.keys.signing else { throw .noSigningKey(path: folder.path) }
            following.mark = found.mark
            following.stored = found.keys.keys
            return adopt(signing.key, found.keys.verification, following.onChange)
        }
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
