package import Identifiers

/// A budget of bytes that clients share: who holds how many, and who gives way when they are short.
///
/// Whoever holds most gives way, not whoever comes last: of one client over its share, the subject
/// that holds most, and of that the holder that does; where the whole is short, the same of the
/// client that holds most. So nobody takes from those who hold less. Each change takes time that
/// grows with the logarithm of how many there are.
package struct ByteShares<Holder: Hashable & Sendable>: Sendable {
    /// In bytes; 0 means none.
    package struct Limits: Equatable, Sendable {
        package let perClient: Int
        package let inAll: Int

        package init(perClient: Int, inAll: Int) {
            self.perClient = perClient
            self.inAll = inAll
        }
    }

    /// What was short.
    package enum Shortage: CaseIterable, Sendable {
        case clientShare
        case whole
    }

    /// Who has to let go of all that it holds; it counts for nothing from now on.
    package struct Loser: Sendable {
        package let holder: Holder
        package let shortage: Shortage
    }

    private struct Pile<Thing: Hashable & Sendable>: Sendable {
        private(set) var ranking = Ranking<Thing>()
        private(set) var bytes = 0

        mutating func set(_ bytes: Int, of thing: Thing) {
            self.bytes += bytes - ranking.weight(of: thing)
            ranking.set(bytes, of: thing)
        }
    }

    private struct Client: Sendable {
        var subjects: [Subject: Pile<Holder>] = [:]
        var bySubject = Pile<Subject>()

        mutating func set(_ bytes: Int, of holder: Holder, subject: Subject) {
            subjects[subject, default: Pile()].set(bytes, of: holder)
            let sum = subjects[subject]?.bytes ?? 0
            bySubject.set(sum, of: subject)
            if sum == 0 { subjects[subject] = nil }
        }

        mutating func removeLargest() -> Holder? {
            guard let subject = bySubject.ranking.heaviest,
                let holder = subjects[subject]?.ranking.heaviest
            else { return nil }
            set(0, of: holder, subject: subject)
            return holder
        }
    }

    private let limits: Limits
    private var clients: [ClientID: Client] = [:]
    private var byClient = Pile<ClientID>()

    package init(limits: Limits) { self.limits = limits }

    /// What all hold together.
    package var total: Int { byClient.bytes }

    package func bytes(of client: ClientID) -> Int { byClient.ranking.weight(of: client) }

    /// Says how much a holder holds from now on.
    ///
    /// - Parameters:
    ///   - bytes: 0 takes it out.
    ///   - holder: Always of the same subject and client.
    ///   - subject: On whose behalf it holds them.
    ///   - client: Whose share counts them.
    /// - Returns: Who has to let go for it, perhaps the holder itself.
    package mutating func set(
        _ bytes: Int, of holder: Holder, subject: Subject, client: ClientID
    ) -> [Loser] {
        clients[client, default: Client()].set(bytes, of: holder, subject: subject)
        note(client)
        var losers: [Loser] = []
        while limits.perClient > 0, self.bytes(of: client) > limits.perClient {
            guard let holder = removeLargest(of: client) else { break }
            losers.append(Loser(holder: holder, shortage: .clientShare))
        }
        while limits.inAll > 0, total > limits.inAll, let client = byClient.ranking.heaviest {
            guard let holder = removeLargest(of: client) else { break }
            losers.append(Loser(holder: holder, shortage: .whole))
        }
        return losers
    }

    private mutating func removeLargest(of client: ClientID) -> Holder? {
        defer { note(client) }
        return clients[client]?.removeLargest()
    }

    private mutating func note(_ client: ClientID) {
        let bytes = clients[client]?.bySubject.bytes ?? 0
        byClient.set(bytes, of: client)
        if bytes == 0 { clients[client] = nil }
    }
}
