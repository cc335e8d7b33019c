package import Access
package import Bytes
package import Clients
import Dispatch
package import Identifiers
import Locking

/// The registry as a server reads it: a cache that follows what other processes change, as often as
/// the registry wants, and at once where the registry tells of changes.
///
/// A client that is cached costs a short lock and no database. The ids of all clients, the origins
/// that they list and the revocations are in memory, so that nobody causes a query by an id or an
/// origin of their own making; a client just added works, since an unknown id has the directory
/// look out of turn, which is bounded. Safe to call from any thread.
package final class ClientDirectory: Sendable {
    private static let entriesMax = 65_536
    /// Looks out of turn in a second.
    static let extraLooksPerSecond = 200
    private static let extraLookRate = TokenBucket.Rate(
        limitedTo: extraLooksPerSecond, burst: extraLooksPerSecond)

    private struct Following: ~Copyable {
        var watch: any RegistryWatch
        /// Whether it looks by itself.
        var isStarted = false
        var isStopped = false
        var alarm = LookAlarm()
    }

    private struct State {
        var cache: ClientCache
        /// nil until the first look.
        var index: ClientIndex?
        var extraLooks = TokenBucket(ClientDirectory.extraLookRate, at: 0)
        var revocations = RevocationSet()
        /// Those of this process that a look may not have seen yet, oldest first.
        var noted: [Revocation] = []
        /// Whether `revocations` holds everything that the registry did at some moment.
        var knowsRevocations = false
        /// Whether the registry is known to have lost what was read, and was not read anew yet.
        var isVoid = false
        /// Up to where `revocations` was tidied up.
        var purgedBefore: Int64 = .min
        var trouble: RegistryFailure?

        /// `seen`: how many of those noted were stored before this was read, and are in it unless
        /// the registry has lost them.
        mutating func apply(_ refresh: RegistryRefresh, asked: Set<ClientID>, seen: Int) {
            cache.apply(refresh, asked: asked)
            var index = index.take() ?? ClientIndex()
            for entry in refresh.entries { index.set(entry) }
            if let remaining = refresh.remaining { index.keep(remaining) }
            self.index = index
            if refresh.purgedBefore > purgedBefore {
                purgedBefore = refresh.purgedBefore
                revocations.drop(expiredBefore: purgedBefore)
            }
            if refresh.isWhole { revocations = RevocationSet(Array(noted.dropFirst(seen))) }
            for revocation in refresh.revocations { revocations.insert(revocation) }
            (knowsRevocations, isVoid) = (true, false)
            trouble = nil
        }
    }

    private let registry: any Registry
    private let onChange: @Sendable () -> Void
    private let state: Lock<State>
    private let following: Lock<Following>
    private let pollMilliseconds: Int
    private let queue = DispatchQueue(label: "registry follower", qos: .userInitiated)

    /// Makes a directory that does not follow yet.
    ///
    /// - Parameters:
    ///   - registry: Where clients are looked up.
    ///   - onChange: Called after lookups answer by what was changed or revoked, here or by another
    ///     process, on the follower's thread, at most `LookAlarm.looksPerSecond` times a second
    ///     beside the looks out of turn.
    package init(registry: any Registry, onChange: @escaping @Sendable () -> Void) {
        self.registry = registry
        self.onChange = onChange
        state = Lock(State(cache: ClientCache(entriesMax: Self.entriesMax)))
        let watch = registry.watch()
        pollMilliseconds = watch.pollMilliseconds
        following = Lock(Following(watch: watch))
    }

    deinit { following.withLock { $0.alarm.cancel() } }

    /// Looks a client up.
    ///
    /// - Returns: nil where there is none; that is never cached.
    /// - Throws: `RegistryFailure` when it is not cached and the database cannot be asked.
    package func client(_ id: ClientID) throws(RegistryFailure) -> Client? {
        guard id.isPlausible else { return nil }
        let (known, trouble) = state.withLock { ($0.cache.client(id), $0.trouble) }
        if let known { return known }
        // Whoever waits for it would keep others from a token.
        if let trouble { throw trouble }
        guard try exists(id) else { return nil }
        let (found, revision) = try registry.snapshot(id: id)
        guard let found else { return nil }
        state.withLock { $0.cache.insert(found, revision: revision) }
        return found
    }

    /// Whether there may be such a client, by what is in memory.
    private func exists(_ id: ClientID) throws(RegistryFailure) -> Bool {
        guard state.withLock({ $0.index?.knows(id) == false }) else { return true }
        let hasCaughtUp = catchUp()
        // Another thread's look may have brought it since.
        if state.withLock({ $0.index?.knows(id) == true }) { return true }
        if !hasCaughtUp, let trouble = trouble() { throw trouble }
        return false
    }

    /// Looks out of turn, `extraLooksPerSecond` times a second at most, and tells whether it found
    /// something new. Where nothing was written meanwhile it costs no query but one for a counter.
    /// While the registry is in trouble nobody waits for it: the next look shows by itself whether
    /// that is over.
    ///
    /// Not to be called by `onChange`.
    package func catchUp() -> Bool {
        let now = Int64(DispatchTime.now().uptimeNanoseconds / 1_000_000)
        let mayLook = state.withLock { state in
            state.trouble == nil && state.extraLooks.take(Self.extraLookRate, at: now) == nil
        }
        guard mayLook else { return false }
        return queue.sync {
            let before = state.withLock { $0.cache.revision }
            look()
            return state.withLock { $0.cache.revision } != before
        }
    }

    /// Whether a client that is enabled lists this origin; false while nobody can tell.
    package func listsOrigin(_ origin: ByteText) -> Bool {
        state.withLock { $0.index?.lists(origin) == true }
    }

    /// Whether a token is revoked, as far as the last look at the registry tells.
    ///
    /// True for every token while no look has ever succeeded: then nobody knows. So it is while the
    /// registry is known to have lost what it held, until it was read whole once more. One that
    /// merely cannot be reached has lost nothing: what was read last holds.
    package func isRevoked(_ token: RevocableToken) -> Bool {
        let known: Bool? = state.withLock { state in
            if state.isVoid { return true }
            return state.knowsRevocations ? state.revocations.isRevoked(token) : nil
        }
        if let known { return known }
        return learnRevocations() ? isRevoked(token) : true
    }

    /// Takes in what this process has revoked, without waiting for the next look; `onChange` is
    /// called by that look. Only after `Registry.revoke` has succeeded.
    package func noteRevoked(_ revocation: Revocation) {
        state.withLock { state in
            state.revocations.insert(revocation)
            state.noted.append(revocation)
        }
    }

    /// Has the next lookup of a client see what this process has changed, without waiting for the
    /// next look; `onChange` is called by that look.
    package func noteChanged(_ id: ClientID) {
        state.withLock { state in
            state.cache.forget(id)
            state.index?.note(id)
        }
    }

    /// Asks the registry itself, before the first look.
    private func learnRevocations() -> Bool {
        guard let revocations = try? registry.revocations() else { return false }
        state.withLock { state in
            for revocation in revocations { state.revocations.insert(revocation) }
            state.knowsRevocations = true
        }
        return true
    }

    /// Why the last look at the registry failed, nil where it went well. Meanwhile lookups answer
    /// by the last state that was good.
    package func trouble() -> RegistryFailure? { state.withLock { $0.trouble } }

    /// Starts to follow; the first look is over when this returns.
    package func start() {
        following.withLock { $0.isStarted = true }
        lookNow()
        scheduleLook()
    }

    /// One look out of turn; `onChange` has been called when this returns.
    func lookNow() { _ = queue.sync { look() } }

    /// Stops to follow; no look is under way when this returns. Not to be called by `onChange`.
    package func stop() {
        queue.sync {
            following.withLock { following in
                following.isStopped = true
                following.alarm.cancel()
            }
        }
    }

    private func scheduleLook() {
        queue.asyncAfter(deadline: .now() + .milliseconds(pollMilliseconds)) { [weak self] in
            guard let self, self.look() else { return }
            self.scheduleLook()
        }
    }

    /// Looks once; false when following is over.
    @discardableResult
    private func look() -> Bool {
        let begin = DispatchTime.now()
        // What was noted before the look began was stored before, so that the look has seen it.
        let noted = state.withLock { $0.noted.count }
        let (isStopped, outcome) = following.withLock { following in
            guard !following.isStopped else { return (true, LookOutcome.nothingNew) }
            return (false, self.outcome(of: &following.watch))
        }
        guard !isStopped else { return false }
        if finish(outcome, noted) { onChange() }
        following.withLock { following in
            guard following.isStarted else { return }
            following.alarm.set(by: following.watch.wakeup(), on: queue, after: begin) {
                [weak self] in _ = self?.look()
            }
        }
        return true
    }

    private enum LookOutcome {
        case nothingNew
        case refresh(RegistryRefresh, asked: Set<ClientID>)
        case failed(RegistryFailure)
    }

    private func outcome(of watch: inout any RegistryWatch) -> LookOutcome {
        do throws(RegistryFailure) {
            let (known, held) = state.withLock { ($0.cache.revision, $0.revocations.count) }
            let found = try watch.look {
                // Before anything is read: what is read may be long, or fail.
                state.withLock { $0.isVoid = true }
            } _: { rows, isContinued -> (RegistryRefresh, Set<ClientID>)? in
                let asked = state.withLock { $0.cache.ids }
                let refresh = try RegistryRefresh(
                    rows, isContinued: isContinued, since: known, at: asked, holding: held)
                return refresh.map { ($0, asked) }
            }
            guard let (refresh, asked) = found else { return .nothingNew }
            return .refresh(refresh, asked: asked)
        } catch {
            return .failed(error)
        }
    }

    /// Returns whether something that lookups may have answered has changed.
    private func finish(_ outcome: LookOutcome, _ noted: Int) -> Bool {
        state.withLock { state in
            defer { if state.trouble == nil { state.noted.removeFirst(noted) } }
            switch outcome {
            case .nothingNew:
                state.trouble = nil
                return false
            case .failed(let trouble):
                state.trouble = trouble
                return false
            case .refresh(let refresh, let asked):
                let isFirst = state.cache.revision == nil
                state.apply(refresh, asked: asked, seen: noted)
                return !isFirst
            }
        }
    }
}
