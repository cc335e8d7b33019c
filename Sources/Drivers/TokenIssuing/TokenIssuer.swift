import Bytes
package import Cryptography
import Identifiers
package import Tokens

/// Issues signed tokens (RFC 9068): libjwt builds header and claims, OpenSSL signs with a key
/// parsed once. Any number of threads may use it.
package final class TokenIssuer: Sendable {
    private let key: SigningKey
    private let templates = TemplateCache()
    /// In base64url with the dot after it. Nil where libjwt would not build it.
    private let accessHeader: [UInt8]?
    private let sessionHeader: [UInt8]?

    package init(key: SigningKey) {
        self.key = key
        accessHeader = Self.header(of: .access, key)
        sessionHeader = Self.header(of: .session, key)
    }

    /// Builds and signs a token that says `claims`, its `typ` by `claims.kind`.
    ///
    /// - Parameter claims: Taken as they are; whether the client may have them is decided
    ///   elsewhere.
    /// - Returns: The compact form, at most 8 KiB.
    /// - Throws: `TokenIssuingError`, which names the claim that no verifier would take.
    package func issue(_ claims: TokenClaims) throws(TokenIssuingError) -> String {
        guard var text = claims.kind == .access ? accessHeader : sessionHeader else {
            throw .buildingFailed
        }
        try claims.checkFitness()
        let payload = try templates.template(for: claims).payload(for: claims)
        text.reserveCapacity(text.count + Base64URL.encodedCount(payload.count) + 512)
        Base64URL.append(payload.span, to: &text)
        let signature = try sign(text.span)
        text.append(UInt8(ascii: "."))
        Base64URL.append(signature.span, to: &text)
        guard text.count <= CompactJWS.bytesMax else { throw .tooLong(byteCount: text.count) }
        return String(decoding: text, as: UTF8.self)
    }

    private func sign(_ input: Span<UInt8>) throws(TokenIssuingError) -> [UInt8] {
        do throws(CryptographyError) {
            return try key.sign(input)
        } catch {
            throw .signing(error)
        }
    }

    private static func header(of kind: TokenKind, _ key: SigningKey) -> [UInt8]? {
        let json = try? ClaimsBuilder.header(
            algorithm: key.algorithm, keyID: key.publicKey.keyID, kind: kind)
        guard let json else { return nil }
        var text: [UInt8] = []
        Base64URL.append(json.span, to: &text)
        text.append(UInt8(ascii: "."))
        return text
    }
}

extension TokenClaims {
    /// Refuses what a verifier would refuse, and NUL, at which C ends a text.
    fileprivate func checkFitness() throws(TokenIssuingError) {
        try Self.check(.issuer, issuer)
        guard !audience.isEmpty else { throw .unfitClaim(.audience) }
        for audience in audience { try Self.check(.audience, audience) }
        try Self.check(.subject, subject.string)
        try Self.check(.clientID, clientID.string)
        guard clientID.isVisible else { throw .unfitClaim(.clientID) }
        try Self.check(.tokenID, tokenID)
        if let name { try Self.check(.name, name) }
        guard scopes.allSatisfy(Scope.isToken) else { throw .unfitClaim(.scope) }
        try Self.check(.issuedAt, issuedAt)
        try Self.check(.expiresAt, expiresAt)
        if let notBefore { try Self.check(.notBefore, notBefore) }
    }

    private static func check(_ claim: Claim, _ text: String) throws(TokenIssuingError) {
        let bytes = text.utf8.span
        let hasNone = bytes.areAllWords(filledWith: 1) { ByteLanes.zeros($0) == 0 }
        guard !bytes.isEmpty, hasNone else {
            throw .unfitClaim(claim)
        }
    }

    private static func check(_ claim: Claim, _ seconds: Int64) throws(TokenIssuingError) {
        guard (0...NumericDate.latest).contains(seconds) else { throw .unfitClaim(claim) }
    }
}
