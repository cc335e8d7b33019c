import Bytes
import Cryptography
import HTTPMessages
import StrictJSON
import Testing
import Tokens

/// A client's key, and assertions signed with it.
struct AssertionMaker {
    static let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    let key: SigningKey
    var header: JSONObject
    var claims: JSONObject

    init(_ algorithm: SignatureAlgorithm = .es256, now: Int64 = 1_800_000_000) throws {
        try self.init(key: SigningKey.generate(algorithm), now: now)
    }

    init(key: SigningKey, now: Int64 = 1_800_000_000) {
        self.key = key
        header = [
            "alg": .string(key.algorithm.rawValue), "typ": "client-authentication+jwt",
            "kid": .string(key.publicKey.keyID),
        ]
        claims = [
            "iss": "c_one", "sub": "c_one", "aud": .string(AuthBench.issuer), "jti": "one",
            "iat": .number(JSONNumber(now)), "exp": .number(JSONNumber(now + 60)),
        ]
    }

    func compact() throws -> String {
        try compact(header: JSONValue.object(header).serialized())
    }

    func compact(header: [UInt8]) throws -> String {
        try compact(header: header, payload: JSONValue.object(claims).serialized())
    }

    func compact(header: [UInt8], payload: [UInt8]) throws -> String {
        let input = Base64URL.encode(header) + "." + Base64URL.encode(payload)
        return input + "." + Base64URL.encode(try key.sign(Array(input.utf8)))
    }

    /// The parameters of a request with it.
    func form() throws -> String { try Self.form(compact()) }

    static func form(_ assertion: String) -> String {
        "client_assertion_type=\(type)&client_assertion=\(assertion)"
    }
}

extension AuthBench {
    /// Sends a token request that an assertion authenticates.
    func token(_ maker: AssertionMaker) throws -> HTTPResponse {
        try token(maker.form(), credentials: nil)
    }

    func token(assertion: String) throws -> HTTPResponse {
        try token(AssertionMaker.form(assertion), credentials: nil)
    }
}

extension JSONValue {
    static func seconds(_ value: Int64) -> JSONValue { .number(JSONNumber(value)) }
}
