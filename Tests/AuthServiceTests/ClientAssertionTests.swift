import Bytes
import Cryptography
import HTTPMessages
import Identifiers
import StrictJSON
import Testing
import Tokens

@testable import AuthService

@Suite struct ClientAssertionTests {
    private static let now: Int64 = 1_800_000_000
    private let bench = AuthBench()

    @Test(
        "A client proves itself with a key of its own (RFC 7523 §2.2)",
        arguments: [SignatureAlgorithm.es256, .rs256, .eddsa])
    func accepted(algorithm: SignatureAlgorithm) throws {
        let maker = try AssertionMaker(algorithm)
        try bench.register(secrets: [], assertionKeys: [maker.key.publicKey])
        #expect(try bench.token(maker).status == 200)
        #expect(bench.claims?.clientID == "c_one")
        #expect(bench.signatureChecks == [maker.key.publicKey])
        #expect(bench.log == [])
    }

    @Test("The same client_id may stand beside it; another one is refused (RFC 7521 §4.2)")
    func clientID() throws {
        let maker = try AssertionMaker()
        try bench.register(assertionKeys: [maker.key.publicKey])
        let other = try bench.token(maker.form() + "&client_id=c_two", credentials: nil)
        expectRefusal(other, 400, "invalid_request", naming: "client_id")
        #expect(try bench.token(maker.form() + "&client_id=c_one", credentials: nil).status == 200)
    }

    @Test(
        "It is no second method beside a secret (RFC 6749 §2.3)",
        arguments: [true, false])
    func twoMethods(isBasic: Bool) throws {
        let maker = try AssertionMaker()
        try bench.register(assertionKeys: [maker.key.publicKey])
        let response = try bench.token(
            maker.form() + (isBasic ? "" : "&client_id=c_one&client_secret=right-secret"),
            credentials: isBasic ? AuthBench.basic() : nil)
        expectRefusal(response, 400, "invalid_request", naming: "client_assertion")
        #expect(bench.used.isEmpty)
    }

    @Test(
        "The type must be the URN, and both must be there (RFC 7523 §2.2, RFC 6749 §5.2)",
        arguments: [
            "client_assertion=a.b.c", "client_assertion_type=\(AssertionMaker.type)",
            "client_assertion=a.b.c&client_assertion_type=x",
            "client_assertion=a.b.c"
                + "&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        ])
    func types(body: String) throws {
        try bench.register()
        expectRefusal(
            try bench.token(body, credentials: nil), 401, "invalid_client",
            naming: "client_assertion_type")
    }

    @Test("It is taken once, until its end and the leeway after it (RFC 7523 §3)")
    func replay() throws {
        var maker = try AssertionMaker()
        try bench.register(assertionKeys: [maker.key.publicKey])
        try bench.register("c_two", assertionKeys: [maker.key.publicKey])
        #expect(try bench.token(maker).status == 200)
        #expect(bench.used == ["assertion:c_one:one": Self.now + 90])
        expectRefusal(try bench.token(maker), 401, "invalid_client", naming: "jti")
        #expect(bench.log.last?.hasSuffix("reason=assertion_replayed") == true)
        maker.claims["jti"] = "two"
        #expect(try bench.token(maker).status == 200)
        maker.claims["iss"] = "c_two"
        maker.claims["sub"] = "c_two"
        #expect(try bench.token(maker).status == 200, "each client has ids of its own")
    }

    @Test("However often one is replayed, the client's own go on, and what else it writes is apart")
    func replaysCostNoWrite() throws {
        let registration = try RegistrationBench()
        var maker = try AssertionMaker()
        let key = String(decoding: maker.key.publicKey.jwk.serialized(), as: UTF8.self)
        let client = try registration.registered(
            #"{"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [\#(key)]}}"#)
        maker.claims["iss"] = .string(client.id)
        maker.claims["sub"] = .string(client.id)
        #expect(try registration.bench.token(maker).status == 200)
        for _ in 0..<200 { #expect(try registration.bench.token(maker).status == 401) }
        #expect(registration.bench.marks == 1, "nothing more is written")
        for _ in 0..<200 { _ = try registration.manage("PUT", client) }
        for index in 0..<99 {
            maker.claims["jti"] = .string("own-\(index)")
            #expect(try registration.bench.token(maker).status == 200)
        }
        maker.claims["jti"] = "too-many"
        expectRefusal(try registration.bench.token(maker), 429, "too_many_requests")
    }

    @Test("Who cannot sign cannot use up somebody's jti, and is slowed down (RFC 6749 §2.3.1)")
    func forged() throws {
        let maker = try AssertionMaker()
        let forger = AssertionMaker(key: try AssertionMaker().key)
        var named = forger
        named.header["kid"] = .string(maker.key.publicKey.keyID)
        try bench.register(assertionKeys: [maker.key.publicKey])
        for index in 0..<10 {
            expectRefusal(
                try bench.token(index % 2 == 0 ? forger : named), 401, "invalid_client")
        }
        #expect(bench.used.isEmpty)
        let response = try bench.token(forger)
        expectRefusal(response, 429, "too_many_requests")
        #expect(response.headers["Retry-After"] == "60")
        #expect(try bench.token(maker).status == 200)
    }

    @Test(
        "An unknown client costs one signature check and gets the answer of a wrong signature",
        arguments: [SignatureAlgorithm.es256, .rs256, .eddsa])
    func unknown(algorithm: SignatureAlgorithm) throws {
        let maker = try AssertionMaker(algorithm)
        let registered = try AssertionMaker(algorithm).key.publicKey
        try bench.register(assertionKeys: [registered])
        let wrong = try bench.token(maker)
        try bench.register(assertionKeys: [])
        let keyless = try bench.token(maker)
        bench.change { $0.clients = [:] }
        let unknown = try bench.token(maker)
        try bench.register(isEnabled: false, assertionKeys: [maker.key.publicKey])
        let disabled = try bench.token(maker)
        expectRefusal(wrong, 401, "invalid_client")
        #expect(wrong == keyless)
        #expect(wrong == unknown)
        #expect(wrong == disabled)
        #expect(bench.signatureChecks.count == 4)
        #expect(bench.signatureChecks.allSatisfy { $0.algorithm == algorithm })
        #expect(bench.used.isEmpty)
    }

    @Test("A registry that cannot remember the jti is 503, and no token is made")
    func registryDown() throws {
        let maker = try AssertionMaker()
        try bench.register(assertionKeys: [maker.key.publicKey])
        bench.change { $0.isRegistryDown = true }
        let response = try bench.token(maker)
        expectRefusal(response, 503, "temporarily_unavailable")
        #expect(response.headers["Retry-After"] == "5")
        #expect(bench.claims == nil)
    }

    @Test(
        "It authenticates at every endpoint (RFC 7009 §2.1, RFC 7662 §2.1)",
        arguments: ["/oauth2/introspect", "/oauth2/revoke"])
    func endpoints(path: String) throws {
        let maker = try AssertionMaker()
        try bench.register(assertionKeys: [maker.key.publicKey])
        let body = try maker.form() + "&token=x"
        #expect(try bench.raw(body, to: path, credentials: nil).status == 200)
        #expect(try bench.raw(body, to: path, credentials: nil).status == 401)
    }
}

// MARK: Keys

extension ClientAssertionTests {
    @Test("Of several keys, kid says which; without it there must be only one (RFC 8725 §3.1)")
    func several() throws {
        let first = try AssertionMaker()
        var second = try AssertionMaker()
        let edwards = try AssertionMaker(.eddsa)
        try bench.register(
            assertionKeys: [first, second, edwards].map(\.key.publicKey))
        #expect(try bench.token(second).status == 200)
        second.header["kid"] = nil
        second.claims["jti"] = "two"
        expectRefusal(try bench.token(second), 401, "invalid_client", naming: "kid")
        var only = edwards
        only.header["kid"] = nil
        only.claims["jti"] = "three"
        #expect(try bench.token(only).status == 200)
    }

    @Test(
        "A key that another process has registered just now is good", arguments: [false, true])
    func newKey(isBroughtByOther: Bool) throws {
        let maker = try AssertionMaker()
        try bench.register(assertionKeys: [maker.key.publicKey])
        let new = bench.clients["c_one"]
        try bench.register(assertionKeys: [try AssertionMaker().key.publicKey])
        bench.change { world in
            world.missed = new
            world.isBroughtByOther = isBroughtByOther
        }
        #expect(try bench.token(maker).status == 200)
    }

    @Test("The registered key decides the algorithm, not the header (RFC 8725 §3.1)")
    func confusion() throws {
        let maker = try AssertionMaker(.rs256)
        try bench.register(assertionKeys: [maker.key.publicKey])
        var other = maker
        other.header["alg"] = "ES256"
        expectRefusal(try bench.token(other), 401, "invalid_client")
        #expect(bench.signatureChecks.first?.algorithm == .es256, "a decoy")
        #expect(bench.signatureChecks.first != maker.key.publicKey)
    }

    @Test("There is a decoy for every algorithm that assertions may use")
    func decoys() throws {
        let decoys = DecoyKeys(sha256: { $0 })
        for algorithm in ServerMetadata.assertionAlgorithms {
            #expect(decoys.key(for: algorithm)?.algorithm == algorithm)
        }
        #expect(decoys.key(for: .hs256) == nil)
    }
}
