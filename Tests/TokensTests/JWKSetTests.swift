import Bytes
import StrictJSON
import Testing
import Tokens

@Suite("Key sets (RFC 7517 §5)")
struct JWKSetTests {
    private static let ec: JSONObject = [
        "kty": "EC", "crv": "P-256", "x": .string(KeyVectors.p256X),
        "y": .string(KeyVectors.p256Y), "kid": "ec",
    ]
    private static let rsa: JSONObject = [
        "kty": "RSA", "n": .string(KeyVectors.rsaModulus), "e": "AQAB", "kid": "rsa",
    ]
    private static let secret: JSONObject = [
        "kty": "oct", "k": .string(String(repeating: "A", count: 43)), "kid": "oct",
    ]

    private func read(
        _ keys: [JSONObject], from origin: JWK.Origin = .published
    ) throws(KeyFault) -> JWKSet {
        let set: JSONValue = ["keys": .array(keys.map { .object($0) })]
        return try JWKSet(parsing: set.serialized(), from: origin, sha256: sha256)
    }

    private func with(_ key: JSONObject, _ name: String, _ value: JSONValue?) -> JSONObject {
        var key = key
        key[ByteText(name)] = value
        return key
    }

    @Test("Keys of each kind are read, with the algorithm their kind is for")
    func kinds() throws {
        let okp: JSONObject = ["kty": "OKP", "crv": "Ed25519", "x": .string(KeyVectors.ed25519)]
        let set = try read([Self.ec, Self.rsa, okp])
        #expect(set.keys.map(\.algorithm) == [.es256, .rs256, .eddsa])
        #expect(set.keys.map(\.keyID) == ["ec", "rsa", KeyVectors.ed25519Thumbprint])
        #expect(set.skipped.isEmpty)
    }

    @Test("A set that is written can be read again")
    func roundTrip() throws {
        let set = try read([Self.ec, Self.rsa])
        let again = try JWKSet(parsing: JWKSet.serialize(set.keys), sha256: sha256)
        #expect(again == set)
    }

    @Test(
        "What is not for us is skipped, and the rest is kept (RFC 7517 §5)",
        arguments: [
            ("kty", "unknown", KeyFault.unsupported(member: "kty")),
            ("kty", nil, .missingMember("kty")), ("kty", 1, .malformedMember("kty")),
            ("crv", "P-384", .unsupported(member: "crv")), ("crv", nil, .missingMember("crv")),
            ("x", nil, .missingMember("x")), ("y", nil, .missingMember("y")),
            ("x", "a=", .malformedMember("x")), ("x", 1, .malformedMember("x")),
            ("alg", "ES384", .algorithmMismatch), ("alg", "RS256", .algorithmMismatch),
            ("alg", "none", .algorithmMismatch), ("alg", "HS256", .algorithmMismatch),
            ("alg", 1, .malformedMember("alg")), ("use", "enc", .wrongUse), ("use", "", .wrongUse),
            ("use", 1, .malformedMember("use")), ("key_ops", ["sign"], .wrongOperations),
            ("key_ops", ["encrypt"], .wrongOperations), ("key_ops", [], .wrongOperations),
            ("key_ops", "verify", .malformedMember("key_ops")),
            ("key_ops", ["verify", 1], .malformedMember("key_ops")),
            ("key_ops", ["verify", "verify"], .malformedMember("key_ops")),
            ("kid", 1, .malformedMember("kid")), ("kid", "a b", .malformedKeyID),
            ("kid", "", .malformedKeyID),
        ] as [(String, JSONValue?, KeyFault)])
    func skipped(_ name: String, _ value: JSONValue?, _ fault: KeyFault) throws {
        let set = try read([with(Self.ec, name, value), Self.rsa])
        #expect(set.keys.map(\.keyID) == ["rsa"])
        #expect(set.skipped.map(\.index) == [0])
        #expect(set.skipped.map(\.fault) == [fault])
    }

    @Test("use and key_ops that agree are taken, those that do not are not (RFC 7517 §4.3)")
    func operations() throws {
        let both = with(with(Self.ec, "use", "sig"), "key_ops", ["verify"])
        #expect(try read([both]).keys.count == 1)
        let odd = with(with(Self.ec, "use", "sig"), "key_ops", ["verify", "encrypt"])
        #expect(try read([odd]).skipped.map(\.fault) == [.wrongOperations])
    }

    @Test("An entry that is no object is skipped")
    func notAnObject() throws {
        let json: JSONValue = ["keys": [1, "x", .null, .object(Self.ec)]]
        let set = try JWKSet(parsing: json.serialized(), sha256: sha256)
        #expect(set.keys.count == 1)
        #expect(set.skipped.map(\.index) == [0, 1, 2])
    }

    @Test(
        "A set that publishes a private member is refused whole (RFC 7517 §9.2)",
        arguments: [
            "d", "p", "q", "dp", "dq", "qi", "oth", "k",
        ])
    func privateMembers(_ name: String) {
        #expect(throws: KeyFault.privateMember(name)) {
            _ = try read([Self.rsa, with(Self.ec, name, "AA")])
        }
    }

    @Test("A shared secret never comes from a published set (CVE-2016-5431)")
    func symmetric() throws {
        #expect(throws: KeyFault.privateMember("k")) { _ = try read([Self.secret]) }
        #expect(throws: KeyFault.symmetricKey) { _ = try read([with(Self.secret, "k", nil)]) }
        #expect(try read([Self.secret], from: .ownSecret).keys.map(\.algorithm) == [.hs256])
    }

    @Test("Secrets and public keys do not mix")
    func mixed() {
        #expect(throws: KeyFault.asymmetricKey) {
            _ = try read([Self.secret, Self.ec], from: .ownSecret)
        }
    }

    @Test("Two keys with one kid are refused, be one of them skipped")
    func duplicates() {
        #expect(throws: KeyFault.duplicateKeyID("ec")) {
            _ = try read([Self.ec, with(Self.rsa, "kid", "ec")])
        }
        #expect(throws: KeyFault.duplicateKeyID("ec")) {
            _ = try read([Self.ec, with(with(Self.rsa, "kid", "ec"), "use", "enc")])
        }
        let twice = [with(Self.ec, "kid", nil), with(Self.ec, "kid", nil)]
        #expect(throws: KeyFault.self) { _ = try read(twice) }
    }

    @Test("32 keys are read, 33 are not")
    func count() throws {
        func keys(_ count: Int) -> [JSONObject] {
            (0..<count).map { with(Self.ec, "kid", .string("k\($0)")) }
        }
        #expect(try read(keys(32)).keys.count == 32)
        #expect(throws: KeyFault.tooManyKeys(33)) { _ = try read(keys(33)) }
    }

    @Test(
        "What is no strict set is refused (RFC 7517 §4: names are unique)",
        arguments: [
            "", "[]", "null", "<html>", #"{"keys":[]}x"#, #"{"keys":[],"keys":[]}"#,
            #"{"keys":[{"kty":"EC","kty":"RSA"}]}"#, "{}", #"{"keys":{}}"#, #"{"keys":null}"#,
        ])
    func strictness(_ json: String) {
        #expect(throws: KeyFault.self) {
            _ = try JWKSet(parsing: Array(json.utf8), sha256: sha256)
        }
    }

    @Test("More than 64 KiB is refused (docs/conformance.md, JWKS transport)")
    func size() {
        let json = #"{"keys":[],"x":""# + String(repeating: "x", count: 65_536) + "\"}"
        #expect(throws: KeyFault.self) {
            _ = try JWKSet(parsing: Array(json.utf8), sha256: sha256)
        }
    }

    @Test("An empty set is a set without keys")
    func empty() throws {
        #expect(try read([]).keys.isEmpty)
    }
}
