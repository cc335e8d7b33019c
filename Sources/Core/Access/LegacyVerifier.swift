package import Bytes
package import Identifiers
package import Tokens

/// What of a client decides about its legacy tokens. The secret itself is in nobody's sight.
package struct LegacyClient: Sendable {
    package let clientID: ClientID
    package let rooms: [RoomPattern]
    package let scopes: [ByteText]
    /// SHA-256 of the secret.
    package let secretDigest: [UInt8]
    /// Whether a tag is HMAC-SHA-256 over the input, under the secret.
    package let isValid: @Sendable (_ tag: Span<UInt8>, _ input: Span<UInt8>) -> Bool

    package init(
        clientID: ClientID, rooms: [RoomPattern], scopes: [ByteText], secretDigest: [UInt8],
        isValid: @escaping @Sendable (Span<UInt8>, Span<UInt8>) -> Bool
    ) {
        self.clientID = clientID
        self.rooms = rooms
        self.scopes = scopes
        self.secretDigest = secretDigest
        self.isValid = isValid
    }
}

/// A legacy token whose MAC is good: one that a client's own backend signed with HS256 and the
/// secret that the operator was given.
///
/// Form, header and claims are read by the parts that read every token. Of what it says unverified,
/// `client` alone is used, and that to look a secret up.
package struct LegacyToken {
    private static let idPrefix = "legacy."

    package let said: LegacyClaims
    private let client: LegacyClient
    private let text: String

    /// - Parameters:
    ///   - text: The compact token.
    ///   - find: Looks up who has legacy tokens, by its id.
    /// - Throws: What is wrong with it; `.unknownKey` where the client, or its legacy secret, does
    ///   not exist.
    package init(
        verifying text: String, client find: (_ id: ClientID) -> LegacyClient?
    ) throws(TokenFault) {
        let bytes = text.utf8.span
        let jws = try CompactJWS(splitting: bytes)
        let header = try CompactJWS.decode(.header, jws.header, of: bytes)
        try Self.check(try JOSEHeader(reading: header.span))
        let payload = try CompactJWS.decode(.payload, jws.payload, of: bytes)
        said = try LegacyClaims(reading: payload.span)
        guard let client = find(said.clientID), client.clientID == said.clientID else {
            throw .unknownKey
        }
        let tag = try CompactJWS.decode(.signature, jws.signature, of: bytes)
        guard client.isValid(tag.span, bytes.extracting(jws.signingInput)) else {
            throw .badSignature
        }
        self.client = client
        self.text = text
    }

    private static func check(_ header: JOSEHeader) throws(TokenFault) {
        guard header.algorithm == .hs256 else { throw .unknownAlgorithm }
        guard header.isLegacy else { throw .wrongType }
    }

    /// The `jti` that it has none of: each token has one text only, since base64url is read
    /// strictly and all of it is under the MAC.
    package static func tokenID(of text: String, sha256: ([UInt8]) -> [UInt8]) -> String {
        idPrefix + Base64URL.encode(sha256(Array(text.utf8)))
    }

    /// What a token of ours would say in its place: the client acting for itself, in all of its
    /// rooms, with the scope `signal` where the client has that.
    ///
    /// It bears no `iat`. It counts as issued when it is shown, so a revocation of the client's
    /// tokens closes what it opened; what refuses it from then on is that such a revocation takes
    /// the client's legacy secret away.
    package func claims(
        issuer: String, audience: String, shownAt now: Int64, sha256: ([UInt8]) -> [UInt8]
    ) -> TokenClaims {
        TokenClaims(
            issuer: issuer, audience: said.audience ?? [audience],
            subject: Subject(client.clientID.text),
            clientID: client.clientID, issuedAt: now, notBefore: said.notBefore,
            expiresAt: said.expiresAt, tokenID: Self.tokenID(of: text, sha256: sha256),
            scopes: client.scopes.filter { $0 == "signal" }.map(\.string), rooms: client.rooms,
            kind: .legacy, legacySecretDigest: client.secretDigest)
    }
}

/// Verifies legacy tokens, by the same rules of time and audience as others.
package struct LegacyVerifier: Sendable {
    private let policy: ClaimsPolicy
    private let sha256: @Sendable ([UInt8]) -> [UInt8]
    private let client: @Sendable (_ id: ClientID) -> LegacyClient?

    /// `client` looks up whose legacy secret a token may be under.
    package init(
        policy: ClaimsPolicy, sha256: @escaping @Sendable ([UInt8]) -> [UInt8],
        client: @escaping @Sendable (_ id: ClientID) -> LegacyClient?
    ) {
        self.policy = policy
        self.sha256 = sha256
        self.client = client
    }

    /// Nothing is remembered: a MAC costs less than looking it up.
    package func verify(
        _ token: String, atSecondsSinceEpoch now: Int64
    ) throws(TokenFault) -> TokenClaims {
        let token = try LegacyToken(verifying: token, client: client)
        let claims = token.claims(
            issuer: policy.issuer, audience: policy.audience, shownAt: now, sha256: sha256)
        try policy.check(claims, now: now)
        try token.said.checkEnd(now: now)
        return claims
    }
}
