import Bytes
import Clients
import Cryptography
import HTTPMessages
import StrictJSON
import Testing
import Tokens

@Suite struct RegistrationMetadataTests {
    private let registration: RegistrationBench
    private var bench: AuthBench { registration.bench }

    init() throws { registration = try RegistrationBench() }

    @Test(
        "Metadata that cannot be is invalid_client_metadata and names the member (RFC 7591 §3.2.2)",
        arguments: [
            (#"{"client_name": ""}"#, "client_name"), (#"{"client_name": 7}"#, "client_name"),
            (#"{"client_name": "a\u0007"}"#, "client_name"),
            (#"{"scope": "a  b"}"#, "scope"), (#"{"scope": ""}"#, "scope"),
            (#"{"scope": ["signal"]}"#, "scope"),
            (#"{"grant_types": []}"#, "grant_types"),
            (#"{"grant_types": "client_credentials"}"#, "grant_types"),
            (#"{"grant_types": ["client_credentials", "password"]}"#, "grant_types"),
            (#"{"grant_types": ["authorization_code"]}"#, "grant_types"),
            (#"{"response_types": ["code"]}"#, "response_types"),
            (#"{"token_endpoint_auth_method": "none"}"#, "token_endpoint_auth_method"),
            (#"{"token_endpoint_auth_method": "client_secret_jwt"}"#, "client_secret_jwt"),
            (#"{"token_endpoint_auth_method": "private_key_jwt"}"#, "jwks"),
            (
                #"{"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}}"#,
                "jwks"
            ),
            (#"{"jwks": []}"#, "jwks"), (#"{"jwks": {}}"#, "jwks"),
            (#"{"usher_rooms": []}"#, "usher_rooms"), (#"{"usher_rooms": "a"}"#, "usher_rooms"),
            (#"{"usher_rooms": ["a*b"]}"#, "usher_rooms"),
            (#"{"usher_rooms": ["a", 1]}"#, "usher_rooms"),
            (#"{"usher_origins": ["https://a.example/path"]}"#, "usher_origins"),
            (#"{"usher_origins": ["null"]}"#, "usher_origins"),
            (#"{"usher_token_lifetime": 0}"#, "usher_token_lifetime"),
            (#"{"usher_token_lifetime": 3601}"#, "usher_token_lifetime"),
            (#"{"usher_token_lifetime": "60"}"#, "usher_token_lifetime"),
            (#"{"usher_token_lifetime": 1.5}"#, "usher_token_lifetime"),
        ])
    func invalid(body: String, member: String) throws {
        expectRefusal(
            try registration.post(body), 400, "invalid_client_metadata", naming: member)
        #expect(bench.clients.count == 1)
    }

    @Test(
        "Nobody chooses an id, a secret, or what else is decided here (RFC 7591 §3.2.1)",
        arguments: [
            "client_id", "client_secret", "registration_access_token", "registration_client_uri",
            "client_secret_expires_at", "client_id_issued_at",
        ])
    func decidedHere(member: String) throws {
        expectRefusal(
            try registration.post(#"{"\#(member)": "c_mine"}"#), 400, "invalid_client_metadata",
            naming: member)
        #expect(bench.clients.count == 1)
    }

    @Test("jwks_uri is refused, and beside jwks the text says that they exclude each other")
    func keysURI() throws {
        let uri = #""jwks_uri": "https://a.example/keys""#
        expectRefusal(
            try registration.post("{\(uri)}"), 400, "invalid_client_metadata",
            naming: "jwks_uri: not supported")
        expectRefusal(
            try registration.post(#"{\#(uri), "jwks": {"keys": []}}"#), 400,
            "invalid_client_metadata", naming: "jwks and jwks_uri exclude each other")
    }

    @Test("Private, symmetric, unfit and doubled keys are refused, never left out (RFC 7517 §9.2)")
    func keys() throws {
        let good = try SigningKey.generate(.es256).publicKey.jwk.object ?? JSONObject()
        var (privateKey, weak, offCurve) = (good, good, good)
        privateKey["d"] = "AQAB"
        weak["crv"] = "P-521"
        offCurve["y"] = good["x"]
        let secret: JSONObject = ["kty": "oct", "k": .string(String(repeating: "A", count: 64))]
        let sets: [[JSONObject]] = [
            [privateKey], [good, secret], [weak], [offCurve], [good, good], [good, [:]],
        ]
        for keys in sets {
            let set: JSONValue = ["jwks": ["keys": .array(keys.map { .object($0) })]]
            expectRefusal(
                try registration.post(String(decoding: set.serialized(), as: UTF8.self)), 400,
                "invalid_client_metadata", naming: "jwks")
        }
        #expect(bench.clients.count == 1)
    }

    @Test(
        "A body that is no JSON object, or names something twice, is 400 invalid_request",
        arguments: [
            "", "{", "[]", "7", #"{"scope": "a", "scope": "b"}"#, #"{"a": {"b": 1, "b": 2}}"#,
            "{}x", #"{"a": [[[[[[[[[1]]]]]]]]]}"#,
        ])
    func noJSON(body: String) throws {
        expectRefusal(try registration.post(body), 400, "invalid_request", naming: "body")
    }

    @Test("The body is JSON by its media type, and has at most 16 KiB")
    func form() throws {
        expectRefusal(
            try registration.post(contentType: "application/x-www-form-urlencoded"), 400,
            "invalid_request", naming: "Content-Type")
        #expect(try registration.post(contentType: "application/json; charset=utf-8").status == 201)
        let pad = String(repeating: " ", count: 16_384 - 2)
        #expect(try registration.post("{" + pad + "}").status == 201)
        expectRefusal(try registration.post("{ " + pad + "}"), 413, "invalid_request")
    }

    @Test(
        "A client is handed no scope that its registrar does not hold, and never client:register",
        arguments: ["admin", "client:register", "signal admin", "signal client:register"])
    func scopes(scope: String) throws {
        expectRefusal(
            try registration.post(#"{"scope": "\#(scope)"}"#), 400, "invalid_client_metadata",
            naming: "scope")
        #expect(try registration.registered(#"{"scope": "session"}"#).json["scope"] == "session")
    }

    @Test("Who asks for no scope is handed signal, and refused where the registrar has none")
    func noScope() throws {
        let other = try RegistrationBench(scopes: ["client:register", "session"])
        expectRefusal(try other.post(), 400, "invalid_client_metadata", naming: "'signal'")
        #expect(try other.post(#"{"scope": "session"}"#).status == 201)
    }

    @Test("Tokens of a registered client live no longer than its registrar's")
    func lifetime() throws {
        let short = try RegistrationBench(lifetimeSecondsMax: 700)
        #expect(try short.registered().json["usher_token_lifetime"] == 700)
        #expect(try short.post(#"{"usher_token_lifetime": 700}"#).status == 201)
        expectRefusal(
            try short.post(#"{"usher_token_lifetime": 701}"#), 400, "invalid_client_metadata",
            naming: "usher_token_lifetime")
    }

    @Test("Rooms are each client's own, so that the registrar's do not bound them")
    func rooms() throws {
        let json = try registration.registered(#"{"usher_rooms": ["elsewhere*"]}"#).json
        #expect(bench.clients["c_reg"]?.rooms.map(\.text) == ["own"])
        #expect(json["usher_rooms"] == ["elsewhere*"])
    }
}
