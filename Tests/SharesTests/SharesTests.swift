import Bytes
import Identifiers
import TestSupport
import Testing

@testable import Shares

@Suite("Rankings")
struct RankingTests {
    @Test("The heaviest is on top, whatever was changed before", arguments: 0..<8)
    func heaviest(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var ranking = Ranking<Int>()
        var weights: [Int: Int] = [:]
        for _ in 0..<4000 {
            let thing = Int.random(in: 0..<60, using: &random)
            let weight = Int.random(in: 0..<40, using: &random) - 10
            ranking.set(max(0, weight), of: thing)
            weights[thing] = weight > 0 ? weight : nil
            #expect(ranking.count == weights.count)
            #expect(ranking.isEmpty == weights.isEmpty)
            #expect(ranking.weight(of: thing) == max(0, weight))
            let top = ranking.heaviest.flatMap { weights[$0] }
            #expect(top == weights.values.max())
        }
    }
}

@Suite("Shares of a budget")
struct ByteSharesTests {
    private func losers(_ losers: [ByteShares<Int>.Loser]) -> [Int] { losers.map(\.holder) }

    @Test("Over its share a client's largest holder gives way, not the one that came last")
    func clientShare() {
        var shares = ByteShares<Int>(limits: .init(perClient: 100, inAll: 1000))
        #expect(shares.set(60, of: 1, subject: "s", client: "a").isEmpty)
        #expect(shares.set(40, of: 2, subject: "s", client: "a").isEmpty)
        #expect(shares.set(90, of: 3, subject: "s", client: "b").isEmpty)
        let lost = shares.set(1, of: 4, subject: "s", client: "a")
        #expect(losers(lost) == [1])
        #expect(lost.first?.shortage == .clientShare)
        #expect(shares.bytes(of: "a") == 41)
        #expect(shares.total == 131)
    }

    @Test("Within a client the subject that holds most gives way, however small its holders")
    func subjects() {
        var shares = ByteShares<Int>(limits: .init(perClient: 100, inAll: 0))
        for holder in 0..<8 {
            #expect(shares.set(8, of: holder, subject: "many", client: "a").isEmpty)
        }
        #expect(shares.set(30, of: 10, subject: "one", client: "a").isEmpty)
        let lost = losers(shares.set(45, of: 10, subject: "one", client: "a"))
        #expect(lost.count == 2)
        #expect(lost.allSatisfy { $0 < 8 })
    }

    @Test("Where the whole is short, the client that holds most gives way")
    func whole() {
        var shares = ByteShares<Int>(limits: .init(perClient: 0, inAll: 100))
        #expect(shares.set(60, of: 1, subject: "s", client: "a").isEmpty)
        #expect(shares.set(30, of: 2, subject: "s", client: "b").isEmpty)
        let lost = shares.set(20, of: 3, subject: "s", client: "c")
        #expect(losers(lost) == [1])
        #expect(lost.first?.shortage == .whole)
        #expect(shares.bytes(of: "a") == 0)
        #expect(shares.total == 50)
    }

    @Test("Who lets go is forgotten, and may hold again")
    func again() {
        var shares = ByteShares<Int>(limits: .init(perClient: 10, inAll: 0))
        #expect(losers(shares.set(11, of: 1, subject: "s", client: "a")) == [1])
        #expect(shares.total == 0)
        #expect(shares.set(0, of: 1, subject: "s", client: "a").isEmpty)
        #expect(shares.set(10, of: 1, subject: "s", client: "a").isEmpty)
        #expect(shares.set(0, of: 1, subject: "s", client: "a").isEmpty)
        #expect(shares.total == 0)
    }
}
