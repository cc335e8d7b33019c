import Cryptography
import Locking
import Tokens

/// What all copies of a verifier share.
final class VerifierCore: Sendable {
    private let policy: ClaimsPolicy
    /// A handful at most; hashing would cost more than comparing.
    private let algorithms: [SignatureAlgorithm]
    private let live: Lock<KeysInUse>
    private let folder: WatchedFolder?
    private let cache: TokenCache

    init(
        policy: ClaimsPolicy, algorithms: Set<SignatureAlgorithm>, keys: KeySource,
        cacheCapacity: Int
    ) throws(VerifierConfigurationError) {
        self.policy = policy
        self.algorithms = Array(algorithms)
        cache = TokenCache(capacity: cacheCapacity)
        let (finding, folder) = try keys.read()
        self.folder = folder
        live = Lock(
            try KeysInUse(finding, for: self.algorithms, mayBeEmpty: keys.startsEmpty))
    }

    /// Changes the keys; equal ones change nothing, so that what is remembered stays.
    ///
    /// The new keys stand before the cache is emptied: a verification that was under way with the
    /// old ones is not remembered, for it asked the cache before that.
    func replaceKeys(
        _ finding: KeyFinding, mayBeEmpty: Bool = false
    ) throws(VerifierConfigurationError) {
        let new = try KeysInUse(finding, for: algorithms, mayBeEmpty: mayBeEmpty)
        let isChange = live.withLock { live in
            guard live.keys != new.keys else { return false }
            live = new
            return true
        }
        if isChange { cache.forget(.all) }
    }

    var keyFault: VerifierConfigurationError? { folder?.fault }

    var keyCount: Int { live.withLock { $0.keys.count } }

    var rememberedCount: Int { cache.count }

    var cacheHits: Int { cache.hits }

    func forget(_ tokens: RememberedTokens) { cache.forget(tokens) }

    func verify(
        _ text: Span<UInt8>, now: Int64, accepting kinds: Set<TokenKind>
    ) throws(TokenFault) -> VerifiedToken {
        folder?.look(at: now) { finding throws(VerifierConfigurationError) in
            // That the last key was taken away counts: nothing is good then.
            try replaceKeys(finding, mayBeEmpty: true)
        }
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
        let (key, _) = try key(for: jws, text, from: live.withLock { $0 })
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
        let live = live.withLock { $0 }
        if let known = live.headers.find(headerText) {
            guard kinds.contains(known.kind) else { throw .wrongType }
            try checkSignature(of: jws, known.key, text)
            return known.kind
        }
        let (key, kind) = try key(for: jws, text, from: live)
        guard let kind, kinds.contains(kind) else { throw .wrongType }
        try checkSignature(of: jws, key, text)
        live.headers.add(headerText, kind: kind, key: key)
        return kind
    }

    private func key(
        for jws: CompactJWS, _ text: Span<UInt8>, from live: KeysInUse
    ) throws(TokenFault) -> (VerifyingKey, TokenKind?) {
        let json = try CompactJWS.decode(.header, jws.header, of: text)
        let header = try JOSEHeader(reading: json.span)
        guard algorithms.contains(header.algorithm) else { throw .unknownAlgorithm }
        return (try live.ring.key(for: header), header.kind)
    }

    private func checkSignature(
        of jws: CompactJWS, _ key: VerifyingKey, _ text: Span<UInt8>
    ) throws(TokenFault) {
        let signature = try CompactJWS.decode(.signature, jws.signature, of: text)
        let input = text.extracting(jws.signingInput)
        guard key.isValid(signature: signature.span, over: input) else { throw .badSignature }
    }
}
