import Bytes
import Clients
import Cryptography
import HTTPMessages
import Identifiers
import StrictJSON
import Testing
import Tokens

@Suite struct RegisteredClientTests {
    private let registration: RegistrationBench
    private let client: RegistrationBench.Registered
    private var bench: AuthBench { registration.bench }

    init() throws {
        registration = try RegistrationBench()
        client = try registration.registered(
            #"{"client_name": "Shop", "usher_rooms": ["a*"], "usher_token_lifetime": 60}"#)
    }

    private func put(
        _ members: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> HTTPResponse {
        let more = members.isEmpty ? "" : ", \(members)"
        return try registration.manage("PUT", client, #"{"client_id": "\#(client.id)"\#(more)}"#)
    }

    private func expectUnknown(
        _ response: HTTPResponse, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        expectRefusal(
            response, 401, "invalid_token", naming: "no such client", challenge: "Bearer",
            sourceLocation: sourceLocation)
    }

    // MARK: Reading

    @Test("A client reads what it registered, without the secret (RFC 7592 §2.1, §3)")
    func read() throws {
        let response = try registration.manage("GET", client)
        #expect(response.status == 200)
        #expect(response.headers["Cache-Control"] == "no-store")
        var expected = client.json
        expected["client_secret"] = nil
        #expect(response.json == expected)
    }

    // MARK: Who may

    @Test(
        "Unknown clients and wrong tokens are 401 alike (RFC 7592 §2.1)",
        arguments: ["GET", "PUT", "DELETE"])
    func unknown(method: String) throws {
        let other = try registration.registered()
        let wrong = try registration.manage(method, client, token: other.token)
        expectUnknown(wrong)
        let paths = ["c_AAAAAAAAAAAAAAAAAAAAAA", "", "c_\(client.id)", "c_reg", "a/b", "%63_x"]
        for id in paths {
            let path = "\(RegistrationBench.path)/\(id)"
            let response = try registration.manage(method, path, token: client.token)
            expectUnknown(response)
            #expect(response.body == wrong.body)
            #expect(response.headers == wrong.headers)
        }
        let secret = try #require(client.secret)
        for token in [secret, registration.token, client.token + "x", "rt_"] {
            expectUnknown(
                try registration.manage(method, client, token: token, peer: "192.0.2.1"))
        }
        #expect(bench.clients[client.id] != nil)
        #expect(try registration.manage("GET", client).status == 200)
    }

    @Test("An unknown client costs the one look-up that a wrong token does")
    func sameCost() throws {
        for path in [client.path, RegistrationBench.path + "/c_unknown"] {
            let (digests, clients) = (bench.digestLookups, bench.lookups)
            expectUnknown(try registration.manage("GET", path, token: "rt_wrong"))
            #expect(bench.digestLookups == digests + 1)
            #expect(bench.lookups == clients)
        }
    }

    @Test("No token, or two, is refused as at every protected resource (RFC 6750 §3)")
    func noToken() throws {
        let none = try registration.manage("GET", client, token: .some(nil))
        expectRefusal(none, 401, "unauthorized", challenge: "Bearer")
        let bearer = RegistrationBench.bearer(client.token)
        let twice = try #require(bench.send("GET", client.path, headers: [bearer, bearer]))
        expectRefusal(twice, 400, "invalid_request", challenge: "Bearer")
    }

    @Test("After ten wrong tokens wrong ones must wait, and the right one passes")
    func guesses() throws {
        for _ in 0..<10 {
            #expect(try registration.manage("GET", client, token: "rt_wrong").status == 401)
        }
        let response = try registration.manage("GET", client, token: "rt_wrong")
        expectRefusal(response, 429, "too_many_requests")
        #expect(response.headers["Retry-After"] == "60")
        #expect(try registration.manage("GET", client).status == 200)
        let basic = AuthBench.basic(client.id, try #require(client.secret))
        #expect(try bench.token(credentials: basic).status == 200)
        bench.change { $0.now += 60 }
        #expect(try registration.manage("GET", client, token: "rt_wrong").status == 401)
    }

    @Test("A disabled client is told so, and changes nothing", arguments: ["GET", "PUT", "DELETE"])
    func disabled(method: String) throws {
        bench.change { [id = client.id] in $0.clients[id]?.isEnabled = false }
        expectRefusal(try registration.manage(method, client), 403, "access_denied")
        expectUnknown(try registration.manage(method, client, token: "rt_wrong"))
        #expect(bench.clients[client.id] != nil)
    }

    // MARK: Replacing

    @Test("A replacement replaces everything, and what it leaves out is gone (RFC 7592 §2.2)")
    func replace() throws {
        let response = try put(#""scope": "session", "usher_origins": ["https://b.example"]"#)
        #expect(response.status == 200)
        var expected = client.json
        expected["client_secret"] = nil
        expected["client_name"] = .string(client.id)
        expected["scope"] = "session"
        expected["usher_rooms"] = ["*"]
        expected["usher_origins"] = ["https://b.example"]
        expected["usher_token_lifetime"] = 3600
        #expect(response.json == expected)
        #expect(try registration.manage("GET", client).json == expected)
        #expect(bench.registrationActors.last == .client(ClientID(client.id)))
        let basic = AuthBench.basic(client.id, try #require(client.secret))
        #expect(try bench.token("scope=session&subject=a", credentials: basic).status == 200)
    }

    @Test("What was read may be sent back, but for what is decided here (RFC 7592 §2.2)")
    func roundTrip() throws {
        let read = try #require(try registration.manage("GET", client).json)
        var sent = read
        for name in ["registration_access_token", "registration_client_uri"] {
            let body = String(decoding: JSONValue.object(sent).serialized(), as: UTF8.self)
            expectRefusal(
                try registration.manage("PUT", client, body), 400, "invalid_client_metadata")
            sent[ByteText(name)] = nil
        }
        sent["client_secret_expires_at"] = nil
        sent["client_id_issued_at"] = nil
        let body = String(decoding: JSONValue.object(sent).serialized(), as: UTF8.self)
        #expect(try registration.manage("PUT", client, body).json == read)
    }

    @Test("The id in the body must be the client's own (RFC 7592 §2.2)")
    func identity() throws {
        for id in [#""c_reg""#, "7", "null", #""""#] {
            let body = #"{"client_id": \#(id)}"#
            expectRefusal(
                try registration.manage("PUT", client, body), 400, "invalid_client_metadata",
                naming: "client_id")
        }
        expectRefusal(
            try registration.manage("PUT", client, "{}"), 400, "invalid_client_metadata")
        #expect(bench.clients[client.id]?.name == "Shop")
    }

    @Test("A secret in the body must be the current one: none can be chosen (RFC 7592 §2.2)")
    func secret() throws {
        let secret = try #require(client.secret)
        #expect(try put(#""client_secret": "\#(secret)""#).status == 200)
        for wrong in [#""chosen-by-me""#, #""""#, "7", #""\#(secret)x""#] {
            expectRefusal(
                try put(#""client_secret": \#(wrong)"#), 400, "invalid_client_metadata",
                naming: "client_secret")
        }
        #expect(bench.clients[client.id]?.secrets.count == 1)
    }

    @Test("Who changes to keys loses the secret, and who changes back is given a new one")
    func method() throws {
        let key = try SigningKey.generate(.es256).publicKey
        let jwk = String(decoding: key.jwk.serialized(), as: UTF8.self)
        let keys = try put(
            #""token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [\#(jwk)]}"#)
        #expect(keys.json?["client_secret_expires_at"] == nil)
        #expect(keys.json?["jwks"] == ["keys": [key.jwk]])
        let old = AuthBench.basic(client.id, try #require(client.secret))
        expectRefusal(try bench.token(credentials: old), 401, "invalid_client")
        let back = try put(#""token_endpoint_auth_method": "client_secret_post""#)
        let secret = try #require(back.json?["client_secret"]?.string?.string)
        #expect(secret != client.secret)
        #expect(back.json?["client_secret_expires_at"] == 0)
        #expect(back.json?["jwks"] == nil)
        #expect(try bench.token(credentials: AuthBench.basic(client.id, secret)).status == 200)
        #expect(try put().json?["client_secret"] == nil)
    }

    @Test("A replacement is held to the rules of a registration (RFC 7592 §2.2)")
    func rules() throws {
        for members in [
            #""scope": "client:register""#, #""scope": "admin""#, #""usher_rooms": []"#,
            #""jwks_uri": "https://a.example""#, #""token_endpoint_auth_method": "none""#,
            #""client_id_issued_at": 1"#,
        ] {
            expectRefusal(try put(members), 400, "invalid_client_metadata")
        }
        expectRefusal(try registration.manage("PUT", client, "[]"), 400, "invalid_request")
        #expect(try registration.manage("GET", client).json?["client_name"] == "Shop")
    }

    @Test("A registrar that is gone hands on nothing more, and takes nothing back")
    func registrarGone() throws {
        bench.change { $0.clients["c_reg"]?.isEnabled = false }
        #expect(try put(#""scope": "signal", "usher_token_lifetime": 60"#).status == 200)
        expectRefusal(
            try put(#""scope": "session""#), 400, "invalid_client_metadata", naming: "scope")
        expectRefusal(
            try put(#""usher_token_lifetime": 61"#), 400, "invalid_client_metadata",
            naming: "usher_token_lifetime")
        bench.change { $0.clients["c_reg"] = nil }
        expectRefusal(try put(#""scope": "signal session""#), 400, "invalid_client_metadata")
        #expect(try put().json?["usher_token_lifetime"] == 60)
    }

    // MARK: Removing

    @Test("A removed client's secret, tokens and registration are refused (RFC 7592 §2.3)")
    func remove() throws {
        let response = try registration.manage("DELETE", client)
        #expect(response.status == 204)
        #expect(response.body.isEmpty)
        #expect(response.headers["Cache-Control"] == "no-store")
        #expect(bench.clients[client.id] == nil)
        #expect(
            bench.revocations == [
                .client(
                    id: ClientID(client.id), issuedBefore: 1_800_000_000,
                    expiresAt: 1_800_000_000 + 3900)
            ])
        #expect(bench.revokers == [.client(ClientID(client.id))])
        #expect(bench.registrationActors.last == .client(ClientID(client.id)))
        expectUnknown(try registration.manage("GET", client))
        expectUnknown(try registration.manage("DELETE", client))
        let basic = AuthBench.basic(client.id, try #require(client.secret))
        expectRefusal(try bench.token(credentials: basic), 401, "invalid_client")
    }

    @Test("A client that registered itself writes so often, and others as they like")
    func writes() throws {
        for _ in 0..<100 { #expect(try registration.manage("PUT", client).status != 429) }
        let response = try registration.manage("DELETE", client)
        expectRefusal(response, 429, "too_many_requests", naming: "10 changes a second")
        #expect(response.headers["Retry-After"] == "1")
        #expect(try registration.manage("GET", client).status == 200)
        bench.change { $0.now += 1 }
        for _ in 0..<10 { #expect(try registration.manage("PUT", client).status != 429) }
        #expect(try registration.manage("DELETE", client).status == 429)
    }

    @Test("A client that has written as often as it may can still revoke all of its tokens")
    func revokesAll() throws {
        let basic = AuthBench.basic(client.id, try #require(client.secret))
        let token = try bench.issued(to: client.id, secret: try #require(client.secret))
        for _ in 0..<100 { _ = try registration.manage("PUT", client) }
        for one in ["token=\(token)", "sub=ann"] {
            let response = try bench.raw(one, to: "/oauth2/revoke", credentials: basic)
            expectRefusal(response, 429, "too_many_requests")
        }
        #expect(bench.revocations.isEmpty)
        let all = try bench.raw("all=true", to: "/oauth2/revoke", credentials: basic)
        #expect(all.status == 200)
        #expect(bench.revocations.map(\.name) == [client.id])
    }

    @Test("A registry in trouble changes nothing and says when to come back")
    func trouble() throws {
        bench.change { $0.registrationFault = .busy }
        for method in ["GET", "PUT", "DELETE"] {
            expectRefusal(try registration.manage(method, client), 503, "temporarily_unavailable")
        }
        bench.change { $0.registrationFault = nil }
        let faults: [(RegistryFailure, code: String)] = [
            (.diskFull, "registry_disk_full"),
            (.revocationsFull(.tokens, max: 1), "registry_revocations_full"),
        ]
        for (fault, code) in faults {
            bench.change { $0.revocationFault = fault }
            expectRefusal(try registration.manage("DELETE", client), 503, "temporarily_unavailable")
            #expect(bench.log.last == "registry_unavailable code=\(code)")
        }
        #expect(bench.clients[client.id] != nil)
    }

    @Test("A client has its rate here as elsewhere")
    func rate() throws {
        let slow = try RegistrationBench(tokenRequestsPerSecond: 1)
        let client = try slow.registered()
        #expect(try slow.manage("GET", client).status == 200)
        expectRefusal(try slow.manage("GET", client), 429, "too_many_requests")
    }
}
