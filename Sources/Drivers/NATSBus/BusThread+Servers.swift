import Threads

extension BusThread {
    /// How often servers are asked what they are. One with TLS complains in its log of whoever asks
    /// no more than that.
    private var askAroundMilliseconds: Int64 {
        servers.contains(where: \.isTLS) ? 600_000 : 60_000
    }

    /// How often those are that said nothing.
    private var askAgainMilliseconds: Int64 { 5000 }

    /// Asks each server that is known what it is, for operators, on a thread of its own. Where that
    /// does not end, as the look-up of a name may not, none is asked any more.
    mutating func askAround(_ now: Int64) {
        let isRound = now >= askAllAt
        let servers = isRound ? servers : servers.filter(standing.isUnheard)
        askAroundAt = now + askAgainMilliseconds
        guard !servers.isEmpty else { return }
        guard standing.beginAsking() else {
            askAroundAt = now + 1000
            return
        }
        if isRound { askAllAt = now + askAroundMilliseconds }
        let standing = standing
        let thread = try? OwnThread(named: "usher-bus-ask") {
            for server in servers {
                let greeting: Result<ServerGreeting, NATSFault>
                do throws(NATSFault) {
                    greeting = .success(try ServerGreeting.read(from: server))
                } catch {
                    greeting = .failure(error)
                }
                standing.heard(greeting, of: server)
            }
            standing.endAsking()
        }
        if let thread { thread.detach() } else { standing.endAsking() }
    }
}
