/// Which server is tried next, and when.
struct Dials {
    private static let pauseMillisecondsMin: Int64 = 100
    private static let pauseMillisecondsMax: Int64 = 2000
    /// After that an attempt is left to itself: a name's look-up may take for ever, and so may the
    /// TLS of a server that was frozen.
    private static let attemptMillisecondsMax: Int64 = 20_000
    /// After so many that have not come back, their servers are tried after a longer while: each
    /// has a thread, and a server that only greets may well come to its senses.
    private static let leftMax = 8
    private static let leftPauseMilliseconds: Int64 = 60_000

    private let configured: [NATSServer]
    private var servers: [NATSServer]
    private var next: Int
    private var attempts = 0
    private var failuresInRow = 0
    private var notBefore: Int64 = 0
    private var underWay: (attempt: Int, server: NATSServer, since: Int64)?
    /// Attempts that have not come back, and until when they keep others from their servers.
    private var left: [Int: NATSServer] = [:]
    private var leftUntil: Int64 = 0

    /// By `chance`, nodes spread over the servers.
    init(_ servers: [NATSServer], chance: Int) {
        configured = servers
        self.servers = servers
        next = chance % servers.count
    }

    var isUnderWay: Bool { underWay != nil }
    func isUnderWay(_ attempt: Int) -> Bool { underWay?.attempt == attempt }
    var hasChoice: Bool { servers.count > 1 }

    /// The attempt that is to be made now, if any, passing over one server where there is another.
    mutating func begin(_ now: Int64, avoiding server: NATSServer?) -> (NATSServer, attempt: Int)? {
        if let former = underWay, now - former.since > Self.attemptMillisecondsMax {
            left[former.attempt] = former.server
            underWay = nil
            if left.count >= Self.leftMax { leftUntil = now + Self.leftPauseMilliseconds }
        }
        guard underWay == nil, now >= notBefore else { return nil }
        var rest = servers.count
        while !mayTry(servers[next], now, avoiding: server) {
            rest -= 1
            guard rest > 0 else { return nil }
            advance()
        }
        defer { advance() }
        attempts += 1
        underWay = (attempts, servers[next], now)
        return (servers[next], attempts)
    }

    private func mayTry(_ server: NATSServer, _ now: Int64, avoiding other: NATSServer?) -> Bool {
        if let other, hasChoice, server.isSamePlace(as: other) { return false }
        return now >= leftUntil || !left.values.contains { $0.isSamePlace(as: server) }
    }

    private mutating func advance() { next = (next + 1) % servers.count }

    /// - Returns: Whether it is the one that is waited for.
    mutating func ended(_ attempt: Int) -> Bool {
        left[attempt] = nil
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
