import Bytes
import Cryptography
import Identifiers
import StrictJSON
import TokenIssuing
import Tokens
import UsherVerifier

/// Makes tokens, good and bad, and a verifier for the good ones.
struct Forge {
    static let issuer = "https://auth.example"
    static let audience = "https://relay.example"
    /// Seconds since the epoch at which all of it plays.
    static let now: Int64 = 1_800_000_000

    let key: SigningKey
    let verifier: Verifier

    init(
        _ algorithm: SignatureAlgorithm = .es256, leewaySeconds: Int = 30, cacheCapacity: Int = 100
    ) throws {
        key = try SigningKey.generate(algorithm)
        verifier = try Verifier(
            issuer: Self.issuer, audience: Self.audience,
            signatureAlgorithms: [algorithm], keys: .keys([key.publicKey]),
            leewaySeconds: leewaySeconds, cacheCapacity: cacheCapacity)
    }

    static func claims(_ change: (inout TokenClaims) -> Void = { _ in }) -> TokenClaims {
        var claims = TokenClaims(
            issuer: issuer, audience: [audience], subject: "c1:ann", clientID: "c1",
            issuedAt: now, expiresAt: now + 600, tokenID: "t1", scopes: ["signal"], rooms: [])
        change(&claims)
        return claims
    }

    func token(_ change: (inout TokenClaims) -> Void = { _ in }) throws -> String {
        try TokenIssuer(key: key).issue(Self.claims(change))
    }

    /// A token with these very texts as header and payload, signed by the verifier's own key.
    func token(header: String, payload: String) throws -> String {
        try Self.token(header: Array(header.utf8), payload: Array(payload.utf8), key: key)
    }

    static func token(
        header: [UInt8], payload: [UInt8], key: SigningKey
    ) throws -> String {
        let input = Base64URL.encode(header) + "." + Base64URL.encode(payload)
        return input + "." + Base64URL.encode(try key.sign(Array(input.utf8)))
    }

    var goodHeader: String {
        #"{"alg":"\#(key.algorithm.rawValue)","kid":"\#(key.publicKey.keyID)","typ":"at+jwt"}"#
    }

    static let goodPayload =
        #"{"iss":"\#(issuer)","aud":"\#(audience)","sub":"c1:ann","client_id":"c1","#
        + #""iat":\#(now),"exp":\#(now + 600),"jti":"t1"}"#

    func rejection(of token: String, at now: Int64 = Forge.now) -> TokenRejection? {
        do throws(TokenRejection) {
            _ = try verifier.verify(token, atSecondsSinceEpoch: now)
            return nil
        } catch {
            return error
        }
    }
}
