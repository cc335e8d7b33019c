import Access
import Identifiers
import Locking

/// Passes the registry's changes on to whoever follows them, once somebody does.
final class Changes: Sendable {
    private struct Follower: Sendable {
        let changed: @Sendable () -> Void
    }

    private let follower = Lock<Follower?>(nil)

    func follow(_ changed: @escaping @Sendable () -> Void) {
        follower.withLock { $0 = Follower(changed: changed) }
    }

    @Sendable func tell() { follower.withLock { $0 }?.changed() }
}

/// What was last known of each client with live sockets: a registry that cannot be read for a
/// moment must not cost a peer its connection.
final class LastKnownClients: Sendable {
    private static let entriesMax = 65_536
    private let clients = Lock<[ClientID: ClientStanding]>([:])

    /// The client as `lookup` finds it, or as it was when that fails.
    func client(_ id: ClientID, _ lookup: () throws -> ClientStanding?) -> ClientStanding? {
        do {
            let found = try lookup()
            clients.withLock { clients in
                if clients.count >= Self.entriesMax { clients.removeAll() }
                clients[id] = found
            }
            return found
        } catch {
            return clients.withLock { $0[id] }
        }
    }
}
