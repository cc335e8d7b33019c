internal import Locking
internal import Sessions
internal import Signalling

/// All v1 sessions, those whose client is away included, by connection and by resume secret.
///
/// Its locks are held for one look only, and nothing else is locked meanwhile.
final class SessionDirectory: Sendable {
    private struct Contents {
        var connections: [ConnectionID: V1Session] = [:]
        var secrets: [SecretDigest: V1Session] = [:]
    }

    private final class Shard: Sendable {
        let contents = Lock(Contents())
    }

    private static let shardCount = 64
    private let shards = (0..<shardCount).map { _ in Shard() }

    var count: Int {
        shards.reduce(0) { sum, shard in sum + shard.contents.withLock { $0.connections.count } }
    }

    /// One for each session.
    var secretCount: Int {
        shards.reduce(0) { sum, shard in sum + shard.contents.withLock { $0.secrets.count } }
    }

    var all: [V1Session] {
        shards.flatMap { shard in shard.contents.withLock { Array($0.connections.values) } }
    }

    /// Both are random enough to be their own hash.
    private func shard(_ connection: ConnectionID) -> Shard {
        shards[Int(truncatingIfNeeded: connection.raw % UInt64(Self.shardCount))]
    }

    private func shard(_ secret: SecretDigest) -> Shard {
        shards[Int(truncatingIfNeeded: secret.bits % UInt128(Self.shardCount))]
    }

    func session(_ connection: ConnectionID) -> V1Session? {
        shard(connection).contents.withLock { $0.connections[connection] }
    }

    /// The session that bore this secret when it was last told one; whether it still does is for
    /// the session's own lock to say.
    func session(_ secret: SecretDigest) -> V1Session? {
        shard(secret).contents.withLock { $0.secrets[secret] }
    }

    func add(_ session: V1Session, secret: SecretDigest) {
        shard(session.connection).contents.withLock { $0.connections[session.connection] = session }
        shard(secret).contents.withLock { $0.secrets[secret] = session }
    }

    /// Gives a session a new secret; the old one is void.
    func renew(_ session: V1Session, _ old: SecretDigest, _ new: SecretDigest) {
        shard(old).contents.withLock { $0.secrets[old] = nil }
        shard(new).contents.withLock { $0.secrets[new] = session }
    }

    func remove(_ session: V1Session, secret: SecretDigest) {
        shard(session.connection).contents.withLock { $0.connections[session.connection] = nil }
        shard(secret).contents.withLock { $0.secrets[secret] = nil }
    }
}
