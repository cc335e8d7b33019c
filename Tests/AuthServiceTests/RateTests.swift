import HTTPMessages
import Testing

@testable import AuthService

@Suite struct RateTests {
    private let wrong = AuthBench.basic("c_one", "wrong")

    @Test("After ten wrong secrets an address must wait, with the right one too (RFC 6749 §2.3.1)")
    func guesses() throws {
        let bench = AuthBench()
        try bench.register()
        for _ in 0..<10 { #expect(try bench.token(credentials: wrong).status == 401) }
        let response = try bench.token(credentials: wrong)
        expectRefusal(response, 429, "too_many_requests")
        #expect(response.headers["Retry-After"] == "60")
        #expect(try bench.token().status == 429)
        bench.change { $0.now += 59 }
        #expect(try bench.token().headers["Retry-After"] == "1")
        bench.change { $0.now += 1 }
        #expect(try bench.token().status == 200)
    }

    @Test("The right secret from another address passes, and so does another client")
    func others() throws {
        let bench = AuthBench()
        try bench.register()
        try bench.register("c_two")
        for _ in 0..<11 { _ = try bench.token(credentials: wrong) }
        #expect(try bench.token(peer: "127.0.0.2").status == 200)
        #expect(try bench.token(credentials: AuthBench.basic("c_two")).status == 200)
        #expect(try bench.token().status == 429)
    }

    @Test(
        "The real address behind a proxy counts, and of IPv6 its first 64 bits",
        arguments: [
            ("192.0.2.1", "192.0.2.2", false), ("2001:db8::1", "2001:db8::ffff:2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false), ("::ffff:192.0.2.1", "192.0.2.1", true),
        ])
    func addresses(one: String, other: String, areSame: Bool) {
        #expect((AddressGroup(one) == AddressGroup(other)) == areSame)
    }

    @Test("Right secrets and disabled clients are no guesses")
    func noGuesses() throws {
        let bench = AuthBench()
        try bench.register()
        try bench.register("c_off", isEnabled: false)
        for _ in 0..<30 {
            #expect(try bench.token().status == 200)
            #expect(try bench.token(credentials: AuthBench.basic("c_off")).status == 401)
        }
    }

    @Test("Guessing at a client that does not exist is slowed down alike")
    func unknown() throws {
        let bench = AuthBench()
        let nobody = AuthBench.basic("c_none", "x")
        for _ in 0..<10 { #expect(try bench.token(credentials: nobody).status == 401) }
        #expect(try bench.token(credentials: nobody).status == 429)
        #expect(bench.lookups == 10)
    }

    @Test("A client's own rate is kept, second by second, and leaves others alone")
    func perClient() throws {
        let bench = AuthBench(tokenRequestsPerSecond: 2)
        try bench.register()
        try bench.register("c_two")
        #expect(try bench.token().status == 200)
        #expect(try bench.token().status == 200)
        let response = try bench.token()
        expectRefusal(response, 429, "too_many_requests")
        #expect(response.headers["Retry-After"] == "1")
        #expect(try bench.token(credentials: AuthBench.basic("c_two")).status == 200)
        bench.change { $0.now += 1 }
        #expect(try bench.token().status == 200)
    }

    @Test("Nobody can use up another client's rate without its secret")
    func rateNeedsSecret() throws {
        let bench = AuthBench(tokenRequestsPerSecond: 1)
        try bench.register()
        for _ in 0..<5 { _ = try bench.token(credentials: wrong) }
        #expect(try bench.token().status == 200)
    }

    @Test(
        "Every endpoint keeps the client's rate, each by itself (RFC 7662 §4)",
        arguments: ["/oauth2/introspect", "/oauth2/revoke"])
    func endpoints(path: String) throws {
        let bench = AuthBench(tokenRequestsPerSecond: 1)
        try bench.register()
        #expect(try bench.token().status == 200)
        #expect(try bench.raw("token=x", to: path).status == 200)
        let response = try bench.raw("token=x", to: path)
        expectRefusal(response, 429, "too_many_requests")
        #expect(response.headers["Retry-After"] == "1")
        bench.change { $0.now += 1 }
        #expect(try bench.raw("token=x", to: path).status == 200)
    }

    @Test("An address's rate is kept over all endpoints, whatever it sends")
    func perAddress() throws {
        let bench = AuthBench(addressRequestsPerSecond: 3)
        try bench.register()
        #expect(try bench.token().status == 200)
        #expect(try bench.raw("token=x", to: "/oauth2/revoke").status == 200)
        #expect(try bench.raw("%", credentials: nil).status == 400)
        let response = try bench.raw("token=x", to: "/oauth2/introspect")
        expectRefusal(response, 429, "too_many_requests", naming: "address")
        #expect(response.headers["Retry-After"] == "1")
        #expect(try bench.token(peer: "127.0.0.2").status == 200)
        bench.change { $0.now += 1 }
        #expect(try bench.token().status == 200)
    }

    @Test(
        "Guesses at one endpoint count at all of them (RFC 6749 §2.3.1)",
        arguments: ["/oauth2/introspect", "/oauth2/revoke"])
    func guessesAnywhere(path: String) throws {
        let bench = AuthBench()
        try bench.register()
        for _ in 0..<10 {
            #expect(try bench.raw("token=x", to: path, credentials: wrong).status == 401)
        }
        #expect(try bench.raw("token=x", to: path).status == 429)
        #expect(try bench.token().status == 429)
    }

    @Test("The table of attempts is bounded, and forgets those that are over first")
    func bounded() {
        var counter = AttemptCounter<Int>(attemptsMax: 2, windowSeconds: 60, keysMax: 16)
        for key in 0..<8 { counter.record(key, now: 0) }
        for key in 100..<108 { for _ in 0..<2 { counter.record(key, now: 50) } }
        #expect(counter.count == 16)
        counter.record(200, now: 60)
        #expect(counter.count == 9)
        #expect((100..<108).allSatisfy { counter.secondsUntilAllowed($0, now: 60) == 50 })
        for key in 300..<1_000 { counter.record(key, now: 61) }
        #expect(counter.count <= 16)
        #expect(counter.count >= 8)
    }

    @Test(
        "A window ends after its seconds, and a clock set back does not lock anybody out",
        arguments: [(Int64(100), Int64?(60)), (159, 1), (160, nil), (99, nil)])
    func window(now: Int64, seconds: Int64?) {
        var counter = AttemptCounter<Int>(attemptsMax: 2)
        counter.record(1, now: 100)
        #expect(counter.secondsUntilAllowed(1, now: 100) == nil)
        counter.record(1, now: 100)
        #expect(counter.secondsUntilAllowed(1, now: now) == seconds)
    }
}
