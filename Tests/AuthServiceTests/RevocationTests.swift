import Bytes
import Clients
import HTTPMessages
import Identifiers
import Testing
import Tokens

@Suite struct RevocationTests {
    private static let path = "/oauth2/revoke"
    private static let now: Int64 = 1_800_000_000
    private let bench = AuthBench()

    private func revoke(_ body: String, by id: String = "c_one") throws -> HTTPResponse {
        try bench.raw(body, to: Self.path, credentials: AuthBench.basic(id))
    }

    private func expectDone(
        _ response: HTTPResponse, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(response.status == 200, sourceLocation: sourceLocation)
        #expect(response.body.isEmpty, sourceLocation: sourceLocation)
        #expect(response.headers["Cache-Control"] == "no-store", sourceLocation: sourceLocation)
    }

    @Test(
        "A token is revoked by its id until no verifier takes it any more (RFC 7009 §2.2)",
        arguments: ["", "scope=session&subject=ann"])
    func token(wish: String) throws {
        try bench.register(scopes: ["signal", "session"])
        let token = try bench.issued(wish)
        expectDone(try revoke("token=\(token)"))
        let claims = try #require(bench.claims)
        let owner = TokenOwner(
            clientID: "c_one", subject: claims.subject, issuedAt: claims.issuedAt)
        #expect(
            bench.revocations == [
                .token(id: claims.tokenID, expiresAt: Self.now + 600 + 300, of: owner)
            ])
        #expect(bench.revokers == [.client("c_one")])
    }

    @Test(
        "The hint is ignored, known or unknown (RFC 7009 §2.1, §2.2.1)",
        arguments: [
            "access_token", "refresh_token", "frob",
        ])
    func hint(hint: String) throws {
        try bench.register()
        expectDone(try revoke("token=\(bench.issued())&token_type_hint=\(hint)"))
        #expect(bench.revocations.count == 1)
    }

    @Test("Unknown, forged and expired tokens are 200, and nothing is stored (RFC 7009 §2.2)")
    func unknown() throws {
        try bench.register()
        let token = try bench.issued()
        expectDone(try revoke("token=a.b.c"))
        expectDone(try revoke("token=\(token)x"))
        bench.change { $0.now += 630 }
        expectDone(try revoke("token=\(token)"))
        #expect(bench.revocations.isEmpty)
    }

    @Test("A token that verifiers still take in the leeway after its end can be revoked")
    func leeway() throws {
        try bench.register()
        let token = try bench.issued()
        bench.change { $0.now += 629 }
        expectDone(try revoke("token=\(token)"))
        #expect(bench.revocations.count == 1)
    }

    @Test("Another client's token is refused (RFC 7009 §2.1)")
    func foreign() throws {
        try bench.register()
        try bench.register("c_two")
        let response = try revoke("token=\(bench.issued())", by: "c_two")
        expectRefusal(response, 400, "invalid_grant", naming: "token")
        #expect(bench.revocations.isEmpty)
    }

    @Test("All tokens of one user are revoked by the caller's own name for it")
    func subject() throws {
        try bench.register()
        expectDone(try revoke("sub=ann%3Ab"))
        #expect(
            bench.revocations == [
                .subject("c_one:ann:b", issuedBefore: Self.now, expiresAt: Self.now + 3900)
            ])
    }

    @Test("All tokens of the caller are revoked with all=true")
    func all() throws {
        try bench.register()
        expectDone(try revoke("all=true"))
        #expect(
            bench.revocations == [
                .client(id: "c_one", issuedBefore: Self.now, expiresAt: Self.now + 3900)
            ])
    }

    @Test(
        "What is to be revoked must be said, and in one way",
        arguments: [
            ("", "token"), ("token=", "token"), ("all=false", "all"), ("all=1", "all"),
            ("token=a&all=true", "exclude"), ("token=a&sub=b", "exclude"),
            ("sub=a&all=true", "exclude"), ("token=a&token=b", "token"), ("sub=a&sub=b", "sub"),
            ("sub=a%0Ab", "sub"), ("token_type_hint=access_token", "token"),
        ])
    func parameters(body: String, name: String) throws {
        try bench.register()
        expectRefusal(try revoke(body), 400, "invalid_request", naming: name)
        #expect(bench.revocations.isEmpty)
    }

    @Test("The client authenticates before anything is looked at (RFC 7009 §2.1)")
    func authentication() throws {
        try bench.register()
        let body = "token=\(try bench.issued())"
        for credentials in [nil, AuthBench.basic("c_one", "wrong"), AuthBench.basic("c_none")] {
            expectRefusal(
                try bench.raw(body, to: Self.path, credentials: credentials), 401,
                "invalid_client")
        }
        #expect(bench.revocations.isEmpty)
    }

    @Test("Only POST revokes (RFC 7009 §2)", arguments: ["GET", "DELETE", "OPTIONS"])
    func methods(method: String) throws {
        let response = try #require(bench.send(method, Self.path, query: "callback=x"))
        expectRefusal(response, 405, "invalid_request")
        #expect(response.headers["Allow"] == "POST")
    }

    @Test("What cannot be stored is 503 with Retry-After (RFC 7009 §2.2.1)")
    func registryDown() throws {
        try bench.register()
        let token = try bench.issued()
        bench.change { $0.revocationFault = .diskFull }
        let response = try revoke("token=\(token)")
        expectRefusal(response, 503, "temporarily_unavailable")
        #expect(response.headers["Retry-After"] == "5")
        #expect(bench.log == ["registry_unavailable code=registry_disk_full"])
    }

    @Test("A client that has used up its share of revocations is told what helps")
    func full() throws {
        try bench.register()
        let token = try bench.issued()
        bench.change { $0.revocationFault = .revocationsFull(.tokens, max: 1) }
        let response = try revoke("token=\(token)")
        expectRefusal(response, 429, "too_many_requests", naming: "all=true")
        #expect(response.headers["Retry-After"] == "60")
    }
}
