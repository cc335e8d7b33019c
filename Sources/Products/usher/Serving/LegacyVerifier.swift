import Bytes
import Clients
import Cryptography
import Tokens

/// A legacy token whose MAC is good: one that a client's own backend signed with HS256 and the
/// secret that `usher client add --legacy-hs256` was given.
///
/// Form, header and claims are read by the parts that read every token. Of what it says unverified,
/// `client` alone is used, and that to look a secret up.
struct LegacyToken {
    private static let idPrefix = "legacy."

    let said: LegacyClaims
    private let client: Client
    private let secretDigest: [UInt8]
    private let text: String

    /// - Parameters:
    ///   - text: The compact token.
    ///   - find: Looks a client up by its id.
    /// - Throws: What is wrong with it; `.unknownKey` where the client, or its legacy secret, does
    ///   not exist.
    init(
        verifying text: String, client find: (_ id: String) -> Client?
    ) throws(TokenFault) {
        let bytes = text.utf8.span
        let jws = try CompactJWS(splitting: bytes)
        let header = try CompactJWS.decode(.header, jws.header, of: bytes)
        try Self.check(try JOSEHeader(reading: header.span))
        let payload = try CompactJWS.decode(.payload, jws.payload, of: bytes)
        said = try LegacyClaims(reading: payload.span)
        guard let client = find(said.clientID),
            client.clientID.utf8.elementsEqual(said.clientID.utf8),
            let secret = client.legacySecret, let key = try? VerifyingKey(secret: secret)
        else { throw .unknownKey }
        let tag = try CompactJWS.decode(.signature, jws.signature, of: bytes)
        guard key.isValid(signature: tag.span, over: bytes.extracting(jws.signingInput)) else {
            throw .badSignature
        }
        self.client = client
        self.text = text
        secretDigest = Digest.sha256(secret)
    }

    private static func check(_ header: JOSEHeader) throws(TokenFault) {
        guard header.algorithm == .hs256 else { throw .unknownAlgorithm }
        guard header.isLegacy else { throw .wrongType }
    }

    /// The `jti` that it has none of: each token has one text only, since base64url is read
    /// strictly and all of it is under the MAC.
    var tokenID: String {
        Self.idPrefix + Base64URL.encode(Digest.sha256(Array(text.utf8)))
    }

    /// What a token of ours would say in its place: the client acting for itself, in all of its
    /// rooms, with the scope `signal` where the client has that.
    ///
    /// It bears no `iat`. It counts as issued when it is shown, so a revocation of the client's
    /// tokens closes what it opened; what refuses it from then on is that such a revocation takes
    /// the client's legacy secret away.
    func claims(issuer: String, audience: String, shownAt now: Int64) -> TokenClaims {
        TokenClaims(
            issuer: issuer, audience: said.audience ?? [audience], subject: client.clientID,
            clientID: client.clientID, issuedAt: now, notBefore: said.notBefore,
            expiresAt: said.expiresAt, tokenID: tokenID,
            scopes: client.scopes.filter { $0 == "signal" }.map(\.string), rooms: client.rooms,
            kind: .legacy,
            legacySecretDigest: secretDigest)
    }
}

/// Verifies legacy tokens, by the same rules of time and audience as others.
struct LegacyVerifier: Sendable {
    let policy: ClaimsPolicy
    let client: @Sendable (_ id: String) -> Client?

    /// Nothing is remembered: a MAC costs less than looking it up.
    func verify(
        _ token: String, atSecondsSinceEpoch now: Int64
    ) throws(TokenFault) -> TokenClaims {
        let token = try LegacyToken(verifying: token, client: client)
        let claims = token.claims(
            issuer: policy.issuer, audience: policy.audience, shownAt: now)
        try policy.check(claims, now: now)
        try token.said.checkEnd(now: now)
        return claims
    }
}
