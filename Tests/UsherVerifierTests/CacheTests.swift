import Identifiers
import Testing
import Tokens
import UsherVerifier

@Suite("The cache of verified tokens")
struct CacheTests {
    private func tokens(_ forge: Forge, _ count: Int) throws -> [String] {
        try (0..<count).map { number in try forge.token { $0.tokenID = "t\(number)" } }
    }

    private func verify(_ forge: Forge, _ tokens: [String], at now: Int64 = Forge.now) {
        for token in tokens { #expect(forge.rejection(of: token, at: now) == nil) }
    }

    @Test("A token is remembered once, however often it comes")
    func once() throws {
        let forge = try Forge()
        let token = try forge.token()
        for _ in 0..<5 { verify(forge, [token]) }
        #expect(forge.verifier.rememberedCount == 1)
    }

    @Test("What was refused is not remembered")
    func refused() throws {
        let forge = try Forge()
        _ = forge.rejection(of: try forge.token { $0.audience = ["x"] })
        _ = forge.rejection(of: try forge.token() + "x")
        _ = forge.rejection(of: "")
        #expect(forge.verifier.rememberedCount == 0)
    }

    @Test(
        "It never holds more than its capacity, and goes on working when full",
        arguments: [
            1, 2, 7,
        ])
    func bounded(_ capacity: Int) throws {
        let forge = try Forge(cacheCapacity: capacity)
        let tokens = try tokens(forge, 40)
        for round in 0..<3 {
            verify(forge, tokens)
            verify(forge, Array(tokens.prefix(round + 1)))
            #expect(forge.verifier.rememberedCount == capacity)
        }
    }

    @Test("With capacity 0 nothing is remembered")
    func off() throws {
        let forge = try Forge(cacheCapacity: 0)
        let token = try forge.token()
        for _ in 0..<3 { verify(forge, [token]) }
        #expect(forge.verifier.rememberedCount == 0)
    }

    @Test("A token that differs from a remembered one in any character is refused")
    func changed() throws {
        let forge = try Forge()
        let token = Array(try forge.token().utf8)
        verify(forge, [String(decoding: token, as: UTF8.self)])
        for index in token.indices {
            var changed = token
            changed[index] =
                changed[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            #expect(forge.rejection(of: String(decoding: changed, as: UTF8.self)) != nil)
        }
        #expect(forge.verifier.rememberedCount == 1)
    }

    @Test("A character that Unicode calls equivalent to an ASCII one is not taken for it")
    func kelvin() throws {
        let forge = try Forge()
        let token = try (0..<200).lazy
            .map { number in try forge.token { $0.tokenID = "\(number)" } }
            .first { $0.contains("K") }
        let good = try #require(token)
        verify(forge, [good])
        let kelvin = good.replacing("K", with: "\u{212A}")
        #expect(kelvin == good)
        #expect(forge.rejection(of: kelvin) != nil)
    }

    @Test("A token that has run out is dropped when it comes again")
    func expired() throws {
        let forge = try Forge()
        let token = try forge.token()
        verify(forge, [token])
        #expect(forge.rejection(of: token, at: Forge.now + 700) == .expired(secondsAgo: 100))
        #expect(forge.verifier.rememberedCount == 0)
    }

    @Test("Tokens that have run out go when others come, also where nobody asks for them")
    func swept() throws {
        let forge = try Forge()
        verify(forge, try tokens(forge, 50))
        let later = try (0..<60).map { number in
            try forge.token {
                $0.tokenID = "later\(number)"
                $0.issuedAt = Forge.now + 900
                $0.expiresAt = Forge.now + 1500
            }
        }
        verify(forge, later, at: Forge.now + 900)
        #expect(forge.verifier.rememberedCount == 60)
    }

    @Test("When it is full, what is asked for stays and what is not goes")
    func clock() throws {
        let forge = try Forge(cacheCapacity: 8)
        let used = try forge.token { $0.tokenID = "used" }
        verify(forge, [used])
        for token in try tokens(forge, 50) { verify(forge, [token, used]) }
        forge.verifier.forget(.tokenID("used"))
        #expect(forge.verifier.rememberedCount == 7)
    }

    @Test(
        "Tokens are forgotten by id, subject, client, or all at once",
        arguments: [
            (RememberedTokens.tokenID("t1"), 3), (.subject("c1:bob"), 3), (.clientID("c2"), 3),
            (.clientID("c1"), 1), (.all, 0), (.subject("c1"), 4), (.tokenID(""), 4),
        ])
    func forget(_ tokens: RememberedTokens, _ left: Int) throws {
        let forge = try Forge()
        verify(
            forge,
            try [
                forge.token(), forge.token { $0.tokenID = "t2" },
                forge.token {
                    $0.tokenID = "t3"
                    $0.subject = "c1:bob"
                },
                forge.token {
                    $0.tokenID = "t4"
                    $0.clientID = "c2"
                },
            ])
        forge.verifier.forget(tokens)
        #expect(forge.verifier.rememberedCount == left)
    }

    @Test("Copies of a verifier share one cache")
    func copies() throws {
        let forge = try Forge()
        let copy = forge.verifier
        verify(forge, [try forge.token()])
        #expect(copy.rememberedCount == 1)
        copy.forget(.all)
        #expect(forge.verifier.rememberedCount == 0)
    }

    @Test("Many threads verify, and forget, with one verifier")
    func threads() async throws {
        let forge = try Forge(cacheCapacity: 16)
        let good = try tokens(forge, 24)
        let bad = try forge.token { $0.audience = ["other"] }
        let verifier = forge.verifier
        let failures = await withTaskGroup(of: Int.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    var failures = 0
                    for round in 0..<300 {
                        let number = (round * 7 + worker) % good.count
                        let verified = try? verifier.verify(
                            good[number], atSecondsSinceEpoch: Forge.now)
                        if verified?.tokenID != "t\(number)" { failures += 1 }
                        if (try? verifier.verify(bad, atSecondsSinceEpoch: Forge.now)) != nil {
                            failures += 1
                        }
                        if round % 50 == 0 { verifier.forget(.tokenID("t\(number)")) }
                    }
                    return failures
                }
            }
            return await group.reduce(0, +)
        }
        #expect(failures == 0)
        #expect(verifier.rememberedCount <= 16)
    }
}
