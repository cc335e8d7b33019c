import Cryptography
import Tokens

/// What all copies of a verifier share.
final class VerifierCore: Sendable {
    private let policy: ClaimsPolicy
    /// A handful at most; hashing would cost more than comparing.
    private let algorithms: [SignatureAlgorithm]
    private let ring: KeyRing<VerifyingKey>
    private let headers = KnownHeaders()
    private let cache: TokenCache

    init(
        policy: ClaimsPolicy, algorithms: Set<SignatureAlgorithm>, ring: KeyRing<VerifyingKey>,
        cacheCapacity: Int
    ) {
        self.policy = policy
        self.algorithms = Array(algorithms)
        self.ring = ring
        cache = TokenCache(capacity: cacheCapacity)
    }

    var rememberedCount: Int { cache.count }

    func forget(_ tokens: RememberedTokens) { cache.forget(tokens) }

    func verify(
        _ text: Span<UInt8>, now: Int64, accepting kinds: Set<TokenKind>
    ) throws(TokenFault) -> VerifiedToken {
        let (known, generation) = cache.find(text)
        if let known {
            try recheck(known, text, now: now, accepting: kinds)
            return known
        }
        let token = VerifiedToken(try claims(of: text, now: now, accepting: kinds))
        cache.insert(
            token, text: text, goodUntil: token.expiresAt + policy.leewaySeconds, now: now,
            generation: generation)
        return token
    }

    /// Checks the signature of a JWS and hands out its payload; `typ` and claims are not looked at.
    func payload(ofVerified text: Span<UInt8>) throws(TokenFault) -> [UInt8] {
        let jws = try CompactJWS(splitting: text)
        let (key, _) = try key(for: jws, text)
        try checkSignature(of: jws, key, text)
        return try CompactJWS.decode(.payload, jws.payload, of: text)
    }

    /// What can change between two times that a token comes: the clock, and what the caller takes.
    private func recheck(
        _ token: VerifiedToken, _ text: Span<UInt8>, now: Int64, accepting kinds: Set<TokenKind>
    ) throws(TokenFault) {
        guard kinds.contains(token.claims.kind) else { throw .wrongType }
        do throws(TokenFault) {
            try policy.checkTimes(token.claims, now: now)
        } catch {
            if case .expired = error { cache.remove(text) }
            throw error
        }
    }

    private func claims(
        of text: Span<UInt8>, now: Int64, accepting kinds: Set<TokenKind>
    ) throws(TokenFault) -> TokenClaims {
        let jws = try CompactJWS(splitting: text)
        let kind = try checkHeaderAndSignature(of: jws, text, accepting: kinds)
        let payload = try CompactJWS.decode(.payload, jws.payload, of: text)
        let claims = try TokenClaims(reading: payload.span, kind: kind)
        try policy.check(claims, now: now)
        return claims
    }

    private func checkHeaderAndSignature(
        of jws: CompactJWS, _ text: Span<UInt8>, accepting kinds: Set<TokenKind>
    ) throws(TokenFault) -> TokenKind {
        let headerText = text.extracting(jws.header)
        if let known = headers.find(headerText) {
            guard kinds.contains(known.kind) else { throw .wrongType }
            try checkSignature(of: jws, known.key, text)
            return known.kind
        }
        let (key, kind) = try key(for: jws, text)
        guard let kind, kinds.contains(kind) else { throw .wrongType }
        try checkSignature(of: jws, key, text)
        headers.add(headerText, kind: kind, key: key)
        return kind
    }

    private func key(
        for jws: CompactJWS, _ text: Span<UInt8>
    ) throws(TokenFault) -> (VerifyingKey, TokenKind?) {
        let json = try CompactJWS.decode(.header, jws.header, of: text)
        let header = try JOSEHeader(reading: json.span)
        guard algorithms.contains(header.algorithm) else { throw .unknownAlgorithm }
        return (try ring.key(for: header), header.kind)
    }

    private func checkSignature(
        of jws: CompactJWS, _ key: VerifyingKey, _ text: Span<UInt8>
    ) throws(TokenFault) {
        let signature = try CompactJWS.decode(.signature, jws.signature, of: text)
        let input = text.extracting(jws.signingInput)
        guard key.isValid(signature: signature.span, over: input) else { throw .badSignature }
    }
}
