import Bytes
import HTTPMessages
import Identifiers
import Testing
import Tokens

@Suite struct ClientAuthenticationTests {
    private let bench = AuthBench()

    @Test("HTTP Basic is taken, id and secret form-decoded after base64 (RFC 6749 §2.3.1)")
    func basic() throws {
        try bench.register("c_+", secrets: [("s:e c+r%t", nil)])
        let response = try bench.token(credentials: AuthBench.basic("c_%2B", "s%3Ae+c%2Br%25t"))
        #expect(response.status == 200)
        #expect(bench.claims?.clientID == "c_+")
    }

    @Test("Credentials in the body are taken (RFC 6749 §2.3.1)")
    func body() throws {
        try bench.register()
        let response = try bench.token(
            "client_id=c_one&client_secret=right-secret", credentials: nil)
        #expect(response.status == 200)
    }

    @Test("The same client_id beside HTTP Basic is no second method; another one is refused")
    func sameID() throws {
        try bench.register()
        #expect(try bench.token("client_id=c_one").status == 200)
        expectRefusal(
            try bench.token("client_id=c_two"), 400, "invalid_request", naming: "client_id")
    }

    @Test(
        "Two methods at once are refused (RFC 6749 §2.3)",
        arguments: [
            "client_secret=right-secret", "client_id=c_one&client_secret=right-secret",
            "client_assertion=x",
        ])
    func twoMethods(body: String) throws {
        try bench.register()
        expectRefusal(try bench.token(body), 400, "invalid_request", naming: "client_secret")
    }

    @Test("Two Authorization fields are refused")
    func twoFields() throws {
        try bench.register()
        let response = bench.send(
            "POST", "/oauth2/token",
            headers: AuthBench.formHeaders + [AuthBench.basic(), AuthBench.basic()],
            body: "grant_type=client_credentials")
        expectRefusal(
            try #require(response), 400, "invalid_request", naming: "Authorization")
    }

    @Test(
        "No, half or unknown credentials are 401 invalid_client (RFC 6749 §2.2, §3.2.1, §5.2)",
        arguments: [
            "", "client_id=c_one", "client_secret=right-secret", "client_assertion=x",
            "client_id=c_one&client_secret=", "client_id=c_one&client_secret=wrong",
            "client_id=c_two&client_secret=right-secret",
            "client_id=c_one&client_secret=Right-secret",
            "client_id=c_one&client_secret=right-secret%20",
            "client_id=C_one&client_secret=right-secret",
            "client_id=%E2%84%AA&client_secret=right-secret",
        ])
    func body401(body: String) throws {
        try bench.register()
        try bench.register("K")
        expectRefusal(try bench.token(body, credentials: nil), 401, "invalid_client")
        #expect(bench.claims == nil)
    }

    @Test(
        "An Authorization that proves nothing is answered with a Basic challenge (RFC 6749 §5.2)",
        arguments: [
            "Basic", "Basic ", "Basic !!!", "Basic YQ==", "Basic //46eA==", "Bearer right-secret",
            "Digest x", "", "Basic Y19vbmU6d3Jvbmc=", "Basic Y19vbmU6",
        ])
    func header401(field: String) throws {
        try bench.register()
        expectRefusal(
            try bench.token(credentials: ("Authorization", field)), 401, "invalid_client")
    }

    @Test("Unknown, wrong and disabled look the same from outside (RFC 6749 §5.2)")
    func sameAnswer() throws {
        try bench.register()
        try bench.register("c_off", isEnabled: false)
        let wrong = try bench.token(credentials: AuthBench.basic("c_one", "wrong"))
        let unknown = try bench.token(credentials: AuthBench.basic("c_none", "wrong"))
        let disabled = try bench.token(credentials: AuthBench.basic("c_off"))
        #expect(wrong.status == 401)
        #expect(wrong == unknown)
        #expect(wrong == disabled)
        #expect(
            bench.log.map { $0.split(separator: "=").last.map(String.init) ?? "" }
                == ["wrong_secret", "unknown_client", "disabled"])
    }

    @Test("Neither an unknown id nor a secret gets into the log: people mix them up")
    func logs() throws {
        try bench.register()
        _ = try bench.token(credentials: AuthBench.basic("right-secret", "c_one"))
        _ = try bench.token(credentials: AuthBench.basic("c_one", "almost-right"))
        #expect(bench.log.count == 2)
        #expect(bench.log.allSatisfy { !$0.contains("right") })
    }

    @Test("Both of two live secrets are taken; the old one until its grace is over")
    func rotation() throws {
        try bench.register(secrets: [("old", 1_800_000_010), ("new", nil)])
        #expect(try bench.token(credentials: AuthBench.basic("c_one", "old")).status == 200)
        #expect(try bench.token(credentials: AuthBench.basic("c_one", "new")).status == 200)
        bench.change { $0.now = 1_800_000_009 }
        #expect(try bench.token(credentials: AuthBench.basic("c_one", "old")).status == 200)
        bench.change { $0.now = 1_800_000_010 }
        #expect(try bench.token(credentials: AuthBench.basic("c_one", "old")).status == 401)
        #expect(try bench.token(credentials: AuthBench.basic("c_one", "new")).status == 200)
    }

    @Test("An id that can be nobody's does not reach the registry")
    func implausible() throws {
        let id = String(repeating: "i", count: 300)
        #expect(try bench.token(credentials: AuthBench.basic(id, "x")).status == 401)
        #expect(bench.lookups == 0)
    }

    @Test("A registry that cannot be asked is 503 with Retry-After, and nothing of it is told")
    func registryDown() throws {
        try bench.register()
        bench.change { $0.isRegistryDown = true }
        let response = try bench.token()
        expectRefusal(response, 503, "temporarily_unavailable")
        #expect(response.headers["Retry-After"] == "5")
        #expect(!response.errorDescription.contains("busy"))
        #expect(bench.log == ["registry_unavailable code=registry_busy"])
    }

    @Test("A token that cannot be made is 500, and nothing of it is told")
    func issuerDown() throws {
        try bench.register()
        bench.change { $0.isIssuerDown = true }
        expectRefusal(try bench.token(), 500, "server_error")
        #expect(bench.log == ["token_not_issued client_id=c_one code=issuing_failed"])
    }
}
