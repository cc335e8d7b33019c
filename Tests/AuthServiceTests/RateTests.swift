import Bytes
import Clients
import HTTPMessages
import Identifiers
import Testing

@testable import AuthService

@Suite struct RateTests {
    private let wrong = AuthBench.basic("c_one", "wrong")

    @Test("After ten wrong secrets wrong ones must wait, and the right one passes")
    func guesses() throws {
        let bench = AuthBench()
        try bench.register()
        for _ in 0..<10 { #expect(try bench.token(credentials: wrong).status == 401) }
        let response = try bench.token(credentials: wrong)
        expectRefusal(response, 429, "too_many_requests")
        #expect(response.headers["Retry-After"] == "60")
        #expect(try bench.token().status == 200)
        bench.change { $0.now += 59 }
        #expect(try bench.token(credentials: wrong).headers["Retry-After"] == "1")
        bench.change { $0.now += 1 }
        #expect(try bench.token(credentials: wrong).status == 401)
    }

    @Test("An address that does nothing but guess shuts out the client that it guesses at alone")
    func others() throws {
        let bench = AuthBench()
        try bench.register()
        try bench.register("c_two")
        for _ in 0..<100 { _ = try bench.token(credentials: wrong) }
        expectRefusal(try bench.token(), 429, "too_many_requests")
        #expect(try bench.token(peer: "127.0.0.2").status == 200)
        let two = AuthBench.basic("c_two")
        #expect(try bench.token(credentials: two).status == 200)
        let wrongTwo = AuthBench.basic("c_two", "wrong")
        for _ in 0..<20 { #expect(try bench.token(credentials: wrongTwo).status == 429) }
        #expect(try bench.token(credentials: two).status == 200)
        bench.change { $0.now += 60 }
        #expect(try bench.token().status == 200)
    }

    @Test("Ids that are nobody's count for their address, however long they are")
    func spray() throws {
        let bench = AuthBench()
        try bench.register()
        for index in 0..<100 {
            let id = index % 2 == 0 ? "c_\(index)" : String(repeating: "c", count: 65 + index)
            #expect(try bench.token(credentials: AuthBench.basic(id)).status == 401)
        }
        #expect(try bench.token(credentials: AuthBench.basic("c_101")).status == 429)
        #expect(try bench.token(credentials: wrong).status == 429)
        #expect(try bench.token().status == 200)
    }

    @Test("Nobody gets rid of a count by filling the table, and who knows the secret passes")
    func fullTable() throws {
        let limit = GuessLimit(keysMax: 8)
        let address = "192.0.2.1"
        for _ in 0..<100 { try? limit.record("c_one", from: address, now: 0) }
        for index in 0..<100 { try? limit.record("c_\(index)", from: "10.0.0.\(index)", now: 0) }
        #expect(throws: OAuthRefusal.self) { try limit.check("c_one", from: address, now: 59) }
        #expect(throws: OAuthRefusal.self) {
            try limit.record("c_new", from: "10.0.1.1", now: 59)
        }
        try limit.check("c_new", from: "10.0.1.1", now: 59)
        try limit.check("c_one", from: address, now: 60)
        try limit.record("c_new", from: "10.0.1.1", now: 60)
    }

    @Test(
        "A secret that another process has made just now is good; unknown and wrong cost alike",
        arguments: [false, true])
    func newSecret(isBroughtByOther: Bool) throws {
        let bench = AuthBench()
        try bench.register()
        let old = try #require(bench.clients["c_one"])
        try bench.register(secrets: [("new", nil)])
        let new = try #require(bench.clients["c_one"])
        bench.change { world in
            world.clients["c_one"] = old
            world.missed = new
            world.isBroughtByOther = isBroughtByOther
        }
        #expect(try bench.token(credentials: AuthBench.basic("c_one", "new")).status == 200)
        #expect(bench.catchUps == 1)
        #expect(try bench.token(credentials: wrong).status == 401)
        #expect(bench.catchUps == 2)
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
        #expect(try bench.raw("token=x", to: path, credentials: wrong).status == 429)
        #expect(try bench.token(credentials: wrong).status == 429)
        #expect(try bench.token().status == 200)
    }

    @Test("Writers are counted in bounded memory, and those who have rested are forgotten")
    func writers() throws {
        let rate = WriteRate(keysMax: 2)
        func take(_ id: String, _ now: Int64) -> Bool {
            let registration = ClientRegistration(
                tokenDigest: [], registrar: "c_r", authenticationMethod: .secretBasic,
                grantTypes: [.clientCredentials])
            let client = Client(
                clientID: ClientID(id), name: "n", rooms: [], origins: [], scopes: [], createdAt: 0,
                secrets: [], registration: registration)
            return (try? rate.take(client, now)) != nil
        }
        #expect((0..<101).filter { _ in take("c_a", 0) }.count == 100)
        #expect((0..<101).filter { _ in take("c_b", 5) }.count == 100)
        #expect(!take("c_c", 9))
        #expect(take("c_c", 10))
        #expect((0..<101).filter { _ in take("c_b", 1_000) }.count == 100)
    }
}
