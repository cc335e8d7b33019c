import Bytes
import Clients
import Cryptography
import HTTPMessages
import Identifiers
import StrictJSON
import Testing
import Tokens

@Suite struct RegistrationTests {
    private static let exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    private let registration: RegistrationBench
    private var bench: AuthBench { registration.bench }

    init() throws { registration = try RegistrationBench() }

    @Test("A registration is answered with 201, credentials and all metadata (RFC 7591 §3.2.1)")
    func defaults() throws {
        let response = try registration.post()
        #expect(response.status == 201)
        #expect(response.headers["Content-Type"] == "application/json")
        #expect(response.headers["Cache-Control"] == "no-store")
        #expect(response.headers["Pragma"] == "no-cache")
        let json = try #require(response.json)
        let id = try #require(json["client_id"]?.string?.string)
        #expect(json["client_secret"]?.string?.string.count == 43)
        #expect(json["client_secret_expires_at"] == 0)
        #expect(json["client_id_issued_at"] == 1_800_000_000)
        #expect(json["registration_access_token"]?.string?.string.hasPrefix("rt_") == true)
        #expect(
            json["registration_client_uri"]?.string == "\(AuthBench.issuer)/oauth2/register/\(id)")
        #expect(json["client_name"]?.string?.string == id)
        #expect(json["scope"] == "signal")
        #expect(json["grant_types"] == ["client_credentials"])
        #expect(json["token_endpoint_auth_method"] == "client_secret_basic")
        #expect(json["usher_rooms"] == ["*"])
        #expect(json["usher_origins"] == [])
        #expect(json["usher_token_lifetime"] == 3600)
        #expect(json.members.count == 13)
        #expect(bench.registrationActors == [.client("c_reg")])
        #expect(bench.clients[id]?.registration?.registrar == "c_reg")
    }

    @Test("Everything that is registered comes back as it is kept (RFC 7591 §2, §3.2.1)")
    func everything() throws {
        let key = try SigningKey.generate(.es256).publicKey
        let json = try registration.registered(
            """
            {"client_name": "Shop", "scope": "signal session",
             "grant_types": ["client_credentials", "\(Self.exchange)", "client_credentials"],
             "response_types": [], "token_endpoint_auth_method": "private_key_jwt",
             "jwks": {"keys": [\(String(decoding: key.jwk.serialized(), as: UTF8.self))]},
             "usher_rooms": ["a*", "b"], "usher_origins": ["https://a.example"],
             "usher_token_lifetime": 60}
            """
        ).json
        #expect(json["client_name"] == "Shop")
        #expect(json["scope"] == "signal session")
        #expect(json["grant_types"] == ["client_credentials", .string(Self.exchange)])
        #expect(json["token_endpoint_auth_method"] == "private_key_jwt")
        #expect(json["jwks"] == ["keys": [key.jwk]])
        #expect(json["usher_rooms"] == ["a*", "b"])
        #expect(json["usher_origins"] == ["https://a.example"])
        #expect(json["usher_token_lifetime"] == 60)
        #expect(json["client_secret"] == nil)
        #expect(json["client_secret_expires_at"] == nil)
    }

    @Test("What a registration gives is good at the token endpoint, and no further than it says")
    func used() throws {
        let client = try registration.registered(#"{"usher_rooms": ["a*"]}"#)
        let secret = try #require(client.secret)
        let basic = AuthBench.basic(client.id, secret)
        #expect(try bench.token("rooms=a1", credentials: basic).status == 200)
        #expect(try bench.token(credentials: AuthBench.basic(client.id, "x")).status == 401)
        expectRefusal(try bench.token("rooms=b", credentials: basic), 400, "invalid_scope")
        expectRefusal(
            try bench.token("scope=session", credentials: basic), 400, "invalid_scope")
        let form = "client_id=\(client.id)&client_secret=\(secret)&grant_type=client_credentials"
        #expect(try bench.raw(form, credentials: nil).status == 200)
    }

    @Test("A client asks for the grants that it is registered for, and no other (RFC 7591 §2)")
    func grantTypes() throws {
        let client = try registration.registered(#"{"grant_types": ["\#(Self.exchange)"]}"#)
        let basic = AuthBench.basic(client.id, try #require(client.secret))
        expectRefusal(
            try bench.token(credentials: basic), 400, "unauthorized_client", naming: "grant_type")
        let form =
            "grant_type=\(Self.exchange)&subject_token=x"
            + "&subject_token_type=urn:ietf:params:oauth:token-type:access_token"
        #expect(try bench.raw(form, credentials: basic).error == "invalid_request")
    }

    @Test("A client of keys proves itself by them, and has no secret to lose")
    func keys() throws {
        let key = try SigningKey.generate(.eddsa)
        let jwk = String(decoding: key.publicKey.jwk.serialized(), as: UTF8.self)
        let client = try registration.registered(
            """
            {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [\(jwk)]}}
            """)
        #expect(bench.clients[client.id]?.secrets.isEmpty == true)
        var maker = AssertionMaker(key: key)
        maker.claims["iss"] = .string(client.id)
        maker.claims["sub"] = .string(client.id)
        let form =
            "grant_type=client_credentials&client_assertion_type=\(AssertionMaker.type)"
            + "&client_assertion=\(try maker.compact())"
        #expect(try bench.raw(form, credentials: nil).status == 200)
    }

    @Test("Metadata that is not known is ignored, and null is as good as absent (RFC 7591 §2)")
    func unknown() throws {
        let json = try registration.registered(
            """
            {"redirect_uris": ["https://a.example"], "frob": {"a": [1]}, "client_name#ja": "x",
             "software_statement": "a.b.c", "contacts": [7], "scope": null, "jwks": null,
             "jwks_uri": null, "client_name": null, "usher_rooms": null, "grant_types": null}
            """
        ).json
        #expect(json["scope"] == "signal")
        #expect(json["redirect_uris"] == nil)
        #expect(json["frob"] == nil)
        #expect(json.members.count == 13)
    }

    @Test("Each registration gets an id, a secret and a token of its own (RFC 9068 §5)")
    func ownIdentity() throws {
        let clients = try (0..<20).map { _ in try registration.registered() }
        #expect(Set(clients.map(\.id)).count == 20)
        #expect(Set(clients.map(\.token)).count == 20)
        #expect(Set(clients.compactMap(\.secret)).count == 20)
        for client in clients {
            let stored = try #require(bench.clients[client.id])
            #expect(stored.registrationTokenDigest == Digest.sha256(Array(client.token.utf8)))
            let secret = try #require(client.secret)
            #expect(stored.secrets.map(\.digest) == [Digest.sha256(Array(secret.utf8))])
        }
    }

    @Test("Without registration there is no such route, and the metadata names none")
    func off() throws {
        let off = AuthBench()
        #expect(off.send("POST", RegistrationBench.path) == nil)
        #expect(off.send("GET", RegistrationBench.path + "/c_x") == nil)
        let metadata = off.send("GET", "/.well-known/oauth-authorization-server")?.json
        #expect(metadata?["registration_endpoint"] == nil)
        #expect(metadata?["scopes_supported"] == ["signal", "session"])
    }

    @Test("Where clients register, the metadata says where, and with which scope (RFC 8414 §2)")
    func metadata() throws {
        let json = bench.send("GET", "/.well-known/oauth-authorization-server")?.json
        #expect(json?["registration_endpoint"] == "https://auth.example/oauth2/register")
        #expect(json?["scopes_supported"] == ["signal", "session", "client:register"])
    }
}

// MARK: Who may register others

@Suite struct InitialTokenTests {
    private let registration: RegistrationBench
    private var bench: AuthBench { registration.bench }

    init() throws { registration = try RegistrationBench() }

    private func expectInvalid(
        _ response: HTTPResponse, naming: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        expectRefusal(
            response, 401, "invalid_token", naming: naming, challenge: "Bearer",
            sourceLocation: sourceLocation)
        #expect(
            response.headers["WWW-Authenticate"]?.string.contains(#"error="invalid_token""#)
                == true,
            sourceLocation: sourceLocation)
    }

    @Test("Without a token, the challenge names no error (RFC 7591 §3, RFC 6750 §3.1)")
    func none() throws {
        let response = try registration.post(token: .some(nil))
        expectRefusal(response, 401, "unauthorized", challenge: "Bearer")
        #expect(response.headers["WWW-Authenticate"] == #"Bearer realm="usher""#)
        let basic = try #require(
            bench.send(
                "POST", RegistrationBench.path, headers: [AuthBench.basic("c_reg")], body: "{}"))
        expectRefusal(basic, 401, "unauthorized", challenge: "Bearer")
        #expect(bench.clients.count == 1)
    }

    @Test("A token that is forged, expired, revoked or of another kind registers nobody")
    func bad() throws {
        expectInvalid(try registration.post(token: "a.b.c"), naming: "token_signature")
        let other = try RegistrationBench().token
        expectInvalid(try registration.post(token: other))
        let session = try bench.issued("scope=session client:register&subject=ann", to: "c_reg")
        expectInvalid(try registration.post(token: session), naming: "token_type")
        let revoked = try bench.issued("scope=client:register", to: "c_reg")
        let id = try #require(bench.claims?.tokenID)
        bench.change { $0.revocations = [.token(id: id, expiresAt: .max)] }
        expectInvalid(try registration.post(token: revoked), naming: "token_revoked")
        bench.change { $0.now += 600 }
        expectInvalid(try registration.post(), naming: "token_expired")
        #expect(bench.clients.count == 1)
    }

    @Test("A disabled or removed registrar registers nobody, whatever tokens it had")
    func registrarGone() throws {
        bench.change { $0.clients["c_reg"]?.isEnabled = false }
        expectInvalid(try registration.post(), naming: "disabled or gone")
        bench.change { $0.clients["c_reg"] = nil }
        expectInvalid(try registration.post(), naming: "disabled or gone")
    }

    @Test("Without the scope client:register it is 403 and says which (RFC 6750 §3.1)")
    func scope() throws {
        let plain = try bench.issued(to: "c_reg")
        #expect(bench.claims?.scopes == ["signal"])
        let response = try registration.post(token: plain)
        expectRefusal(response, 403, "insufficient_scope", challenge: "Bearer")
        let challenge = try #require(response.headers["WWW-Authenticate"]?.string)
        #expect(challenge.contains(#"error="insufficient_scope""#))
        #expect(challenge.hasSuffix(#", scope="client:register""#))
    }

    @Test("A client that lost the scope registers nobody with the tokens it has left")
    func scopeLost() throws {
        try bench.register("c_reg", scopes: ["signal"])
        expectRefusal(
            try registration.post(), 403, "insufficient_scope", challenge: "Bearer")
    }

    @Test("A token twice, malformed or in the URI is 400 invalid_request (RFC 6750 §2, §3.1)")
    func malformed() throws {
        let bearer = RegistrationBench.bearer(registration.token)
        let name = "Authorization"
        for fields in [[bearer, bearer], [(name, "Bearer a b")], [(name, "Bearer")]] {
            let response = try #require(
                bench.send("POST", RegistrationBench.path, headers: fields, body: "{}"))
            expectRefusal(response, 400, "invalid_request", naming: name, challenge: "Bearer")
        }
        expectRefusal(
            try registration.post(query: "access_token=\(registration.token)"), 400,
            "invalid_request", naming: "access_token", challenge: "Bearer")
    }

    @Test("client:register is not handed on by a token exchange")
    func exchange() throws {
        let form =
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange"
            + "&subject_token=\(registration.token)"
            + "&subject_token_type=urn:ietf:params:oauth:token-type:access_token"
        let response = try bench.raw(
            form + "&scope=client:register", credentials: AuthBench.basic("c_reg"))
        expectRefusal(response, 400, "invalid_scope")
        expectRefusal(
            try bench.raw(form, credentials: AuthBench.basic("c_reg")), 400, "invalid_scope")
    }

    @Test("A registrar and an address have their rates here as elsewhere")
    func rates() throws {
        let slow = try RegistrationBench(tokenRequestsPerSecond: 2)
        #expect(try slow.post().status == 201)
        #expect(try slow.post().status == 201)
        expectRefusal(try slow.post(), 429, "too_many_requests")
        slow.bench.change { $0.now += 1 }
        #expect(try slow.post().status == 201)
        let narrow = try RegistrationBench(addressRequestsPerSecond: 3)
        #expect(try narrow.post().status == 201)
        #expect(try narrow.post(token: "x").status == 401)
        #expect(try narrow.post().status == 429)
    }

    @Test("A registry in trouble, or full, registers nobody and says when to come back")
    func trouble() throws {
        bench.change { $0.registrationFault = .diskFull }
        let response = try registration.post()
        expectRefusal(response, 503, "temporarily_unavailable")
        #expect(response.headers["Retry-After"] == "5")
        #expect(bench.log.last == "registry_unavailable code=registry_disk_full")
        bench.change { $0.registrationFault = .registrationsFull(max: 1) }
        expectRefusal(try registration.post(), 429, "too_many_requests")
        #expect(bench.clients.count == 1)
    }

    @Test("The issuer's own origin is nobody's to register")
    func issuerOrigin() throws {
        let body = #"{"usher_origins": ["https://a.example", "\#(AuthBench.issuer)"]}"#
        let response = try registration.post(body)
        expectRefusal(
            response, 400, "invalid_client_metadata", naming: "usher_origins", challenge: "")
        #expect(response.errorDescription.contains(AuthBench.issuer))
    }
}
