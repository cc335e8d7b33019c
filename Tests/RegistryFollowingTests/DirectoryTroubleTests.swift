import Clients
import Identifiers
import Locking
import RegistrySupport
import Testing

@testable import RegistryFollowing

/// docs/operating.md, *When the database is away*: a registry that says nothing is asked by one.
@Suite struct DirectoryTroubleTests {
    private let folder: RegistryFolder

    init() throws { folder = try RegistryFolder() }

    @Test("While the registry is in trouble, those who name strangers are told at once")
    func strangers() throws {
        let registry = Unwatched(base: try folder.open())
        let directory = ClientDirectory(registry: registry) {}
        directory.start()
        registry.isSilent.withLock { $0 = true }
        directory.lookNow()
        let looks = registry.looks.withLock { $0 }
        for index in 0..<100 {
            #expect(throws: Unwatched.trouble) { try directory.client("c_\(index)") }
        }
        #expect(registry.looks.withLock { $0 } == looks)
        registry.isSilent.withLock { $0 = false }
        directory.lookNow()
        #expect(try directory.client("c_1") == nil)
    }

    @Test("What this process took back is good again where the registry has lost it")
    func loss() throws {
        let registry = Unwatched(base: try folder.open())
        let directory = ClientDirectory(registry: registry) {}
        directory.lookNow()
        directory.noteRevoked(.token(id: "t1", expiresAt: 200))
        #expect(isRevoked(directory))
        registry.hasLost.withLock { $0 = true }
        directory.lookNow()
        #expect(!isRevoked(directory))
    }
}

/// A registry of which somebody may tell that its changes cannot be followed just now, or that it
/// has lost what it held.
private final class Unwatched: Registry {
    static let trouble = RegistryFailure.unavailable(
        RegistryTrouble(code: "registry_timed_out", description: "it says nothing"))

    let base: any Registry
    let isSilent = Lock(false)
    let hasLost = Lock(false)
    let looks = Lock(0)

    init(base: any Registry) { self.base = base }

    func read<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value { try base.read(body) }

    func write<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value { try base.write(body) }

    func watch() -> any RegistryWatch { Watch(registry: self, base: base.watch()) }

    func finish() { base.finish() }

    private struct Watch: RegistryWatch {
        let registry: Unwatched
        var base: any RegistryWatch
        /// Nothing comes of itself.
        let pollMilliseconds = 3_600_000

        func wakeup() -> RegistryWakeup { .never }

        mutating func look<Value>(
            onLoss: () -> Void, _ body: (any RegistryRows, _ isContinued: Bool) throws -> Value?
        ) throws(RegistryFailure) -> Value? {
            registry.looks.withLock { $0 += 1 }
            if registry.isSilent.withLock({ $0 }) { throw Unwatched.trouble }
            guard registry.hasLost.withLock({ $0 }) else {
                return try base.look(onLoss: onLoss, body)
            }
            onLoss()
            return try registry.read { try body($0, false) }
        }
    }
}
