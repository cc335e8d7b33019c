/// Which server is tried next, and when.
struct Dials {
    private static let pauseMillisecondsMin: Int64 = 100
    private static let pauseMillisecondsMax: Int64 = 2000
    /// After that an attempt is left to itself: a name's look-up may take for ever, and so may the
    /// TLS of a server that was frozen.
    private static let attemptMillisecondsMax: Int64 = 20_000
    private static let leftMax = 8

    private let configured: [NATSServer]
    private var servers: [NATSServer]
    private var next: Int
    private var attempts = 0
    private var failuresInRow = 0
    private var notBefore: Int64 = 0
    private var underWay: (attempt: Int, since: Int64)?
    /// Attempts that have not come back.
    private var left: Set<Int> = []

    /// By `chance`, nodes spread over the servers.
    init(_ servers: [NATSServer], chance: Int) {
        configured = servers
        self.servers = servers
        next = chance % servers.count
    }

    var isUnderWay: Bool { underWay != nil }
    var hasChoice: Bool { servers.count > 1 }

    /// The attempt that is to be made now, if any, passing over one server where there is another.
    mutating func begin(_ now: Int64, avoiding server: NATSServer?) -> (NATSServer, attempt: Int)? {
        if let former = underWay, now - former.since > Self.attemptMillisecondsMax {
            left.insert(former.attempt)
            underWay = nil
        }
        guard underWay == nil, now >= notBefore, left.count < Self.leftMax else { return nil }
        if let server, hasChoice, servers[next].isSamePlace(as: server) { advance() }
        defer { advance() }
        attempts += 1
        underWay = (attempts, now)
        return (servers[next], attempts)
    }

    private mutating func advance() { next = (next + 1) % servers.count }

    /// - Returns: Whether it is the one that is waited for.
    mutating func ended(_ attempt: Int) -> Bool {
        left.remove(attempt)
        guard underWay?.attempt == attempt else { return false }
        underWay = nil
        return true
    }

    /// `jitter` is 0 to 99.
    mutating func failed(at now: Int64, jitter: Int64) {
        failuresInRow += 1
        let rounds = failuresInRow / servers.count
        guard rounds > 0 else { return }  // There are servers that were not asked yet.
        let pause = Self.pauseMillisecondsMin << Int64(min(rounds - 1, 8))
        notBefore = now + min(pause, Self.pauseMillisecondsMax) * (100 - jitter / 2) / 100
    }

    mutating func succeeded(knowing others: [NATSServer]) {
        failuresInRow = 0
        notBefore = 0
        let current = servers[next]
        servers = configured
        for other in others where !servers.contains(where: { $0.isSamePlace(as: other) }) {
            servers.append(other)
        }
        next = servers.firstIndex { $0.isSamePlace(as: current) } ?? 0
    }
}
