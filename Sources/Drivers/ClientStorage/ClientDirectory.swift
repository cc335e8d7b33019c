package import Clients
import Dispatch
import Synchronization

/// The registry as a server reads it: a cache that follows what other processes change.
///
/// A client that is cached costs a short lock and no database; one that is not is looked up at
/// once, so that a client just added works. Safe to call from any thread.
package final class ClientDirectory: Sendable {
    private static let pollMilliseconds = 200
    private static let entriesMax = 65_536

    private struct Following: ~Copyable {
        var follower: RegistryFollower
        var isStopped = false
    }

    private struct State {
        var cache: ClientCache
        var isHealthy = true
    }

    private let registry: ClientRegistry
    private let onChange: @Sendable () -> Void
    private let state: Mutex<State>
    private let following: Mutex<Following>
    private let queue = DispatchQueue(label: "registry follower", qos: .userInitiated)

    /// Makes a directory that does not follow yet.
    ///
    /// - Parameters:
    ///   - registry: Where clients are looked up.
    ///   - onChange: Called after the cache holds what another process has changed, on the
    ///     follower's thread, at most five times a second.
    package init(registry: ClientRegistry, onChange: @escaping @Sendable () -> Void) {
        self.registry = registry
        self.onChange = onChange
        state = Mutex(State(cache: ClientCache(entriesMax: Self.entriesMax)))
        following = Mutex(Following(follower: RegistryFollower(path: registry.path)))
    }

    /// Looks a client up.
    ///
    /// - Returns: nil where there is none; that is never cached.
    /// - Throws: `RegistryError` when it is not cached and the database cannot be asked.
    package func client(_ id: String) throws(RegistryError) -> Client? {
        guard ClientID.isPlausible(id) else { return nil }
        if let client = state.withLock({ $0.cache.client(id) }) { return client }
        let (found, revision) = try registry.snapshot(id: id)
        guard let found else { return nil }
        state.withLock { $0.cache.insert(found, revision: revision) }
        return found
    }

    /// Whether the last look at the registry went well; otherwise lookups answer by the last state
    /// that was good.
    package func isHealthy() -> Bool { state.withLock { $0.isHealthy } }

    /// Starts to follow; the first look is over when this returns.
    package func start() {
        _ = queue.sync { look() }
        scheduleLook()
    }

    /// Stops to follow; no look is under way when this returns. Not to be called by `onChange`.
    package func stop() {
        queue.sync { following.withLock { $0.isStopped = true } }
    }

    private func scheduleLook() {
        queue.asyncAfter(deadline: .now() + .milliseconds(Self.pollMilliseconds)) { [weak self] in
            guard let self, self.look() else { return }
            self.scheduleLook()
        }
    }

    /// Looks once; false when following is over.
    private func look() -> Bool {
        let (isStopped, outcome) = following.withLock { following in
            guard !following.isStopped else { return (true, LookOutcome.nothingNew) }
            return (false, self.outcome(of: &following.follower))
        }
        guard !isStopped else { return false }
        if finish(outcome) { onChange() }
        return true
    }

    private enum LookOutcome {
        case nothingNew
        case refresh(ClientCache.Refresh, asked: Set<String>)
        case failed
    }

    private func outcome(of follower: inout RegistryFollower) -> LookOutcome {
        do throws(RegistryError) {
            let known = state.withLock { $0.cache.revision }
            let found = try follower.look(since: known, at: state.withLock { $0.cache.ids })
            guard let found else { return .nothingNew }
            return .refresh(found.refresh, asked: found.asked)
        } catch {
            return .failed
        }
    }

    /// Returns whether something that lookups may have answered has changed.
    private func finish(_ outcome: LookOutcome) -> Bool {
        state.withLock { state in
            switch outcome {
            case .nothingNew:
                state.isHealthy = true
                return false
            case .failed:
                state.isHealthy = false
                return false
            case .refresh(let refresh, let asked):
                let isFirst = state.cache.revision == nil
                state.cache.apply(refresh, asked: asked)
                state.isHealthy = true
                return !isFirst
            }
        }
    }
}
