import Bytes
import Cryptography
import Identifiers
package import Tokens

/// Verifies access tokens of one issuer for one audience.
///
/// Everything that decides whom to trust is given once, to the initialiser, and none of it is
/// optional: there is no switch that skips a check, and nothing in a token chooses a key's
/// algorithm or brings a key along (RFC 8725 §3). A verifier performs no I/O, unless its keys are
/// in a folder, and reads no clock. It may be copied freely and used by any number of threads;
/// copies share one cache.
///
/// ```swift
/// let verifier = try Verifier(
///     issuer: "https://auth.example", audience: "https://auth.example",
///     algorithms: [.es256], keys: .keySet(json: bytesOfJWKS))
/// let token = try verifier.verify(text, atSecondsSinceEpoch: now)
/// ```
public struct Verifier: Sendable {
    /// The signature algorithms that may be accepted.
    ///
    /// The raw value is the registered `alg` name (RFC 7518 §3.1, RFC 8037 §3.1).
    ///
    /// ```swift
    /// let algorithms: Set<Verifier.Algorithm> = [.es256, .eddsa]
    /// let fromConfiguration = Verifier.Algorithm(rawValue: "ES256")
    /// ```
    public enum Algorithm: String, CaseIterable, Hashable, Sendable {
        /// ECDSA on P-256 with SHA-256.
        case es256 = "ES256"
        /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 to 8192 bits.
        case rs256 = "RS256"
        /// Ed25519.
        case eddsa = "EdDSA"
    }

    private let core: VerifierCore

    /// Makes a verifier.
    ///
    /// ```swift
    /// let verifier = try Verifier(
    ///     issuer: "https://auth.example", audience: "https://relay.example",
    ///     algorithms: [.es256], keys: .keySet(json: bytesOfJWKS), leewaySeconds: 5,
    ///     cacheCapacity: 10_000)
    /// ```
    ///
    /// - Parameters:
    ///   - issuer: What `iss` must be, byte by byte (RFC 7519 §7.3).
    ///   - audience: What must be among `aud`, byte by byte.
    ///   - algorithms: Which algorithms are accepted (RFC 8725 §3.1). Keys for others are not used.
    ///   - keys: Where the issuer's keys come from.
    ///   - leewaySeconds: How far the issuer's clock and yours may differ, 0 to 300.
    ///   - cacheCapacity: How many verified tokens are remembered, 0 to 1 000 000; 0 remembers
    ///     none. A full cache of ordinary tokens takes about 2 kB for each.
    /// - Throws: `VerifierConfigurationError`, which says what to change.
    public init(
        issuer: String, audience: String, algorithms: Set<Algorithm>, keys: KeySource,
        leewaySeconds: Int = 30, cacheCapacity: Int = 4096
    ) throws(VerifierConfigurationError) {
        let algorithms = algorithms.compactMap { SignatureAlgorithm(rawValue: $0.rawValue) }
        try self.init(
            issuer: issuer, audience: audience, signatureAlgorithms: Set(algorithms), keys: keys,
            leewaySeconds: leewaySeconds, cacheCapacity: cacheCapacity)
    }

    /// As the public initialiser, with HS256 among the algorithms to choose from.
    package init(
        issuer: String, audience: String, signatureAlgorithms: Set<SignatureAlgorithm>,
        keys: KeySource, leewaySeconds: Int = 30, cacheCapacity: Int = 4096
    ) throws(VerifierConfigurationError) {
        guard !issuer.isEmpty else { throw .issuerEmpty }
        guard !audience.isEmpty else { throw .audienceEmpty }
        guard !signatureAlgorithms.isEmpty else { throw .noAlgorithm }
        guard (0...300).contains(leewaySeconds) else { throw .leewayOutOfRange(leewaySeconds) }
        guard (0...1_000_000).contains(cacheCapacity) else {
            throw .cacheCapacityOutOfRange(cacheCapacity)
        }
        core = try VerifierCore(
            policy: ClaimsPolicy(
                issuer: issuer, audience: audience, leewaySeconds: Int64(leewaySeconds)),
            algorithms: signatureAlgorithms, keys: keys, cacheCapacity: cacheCapacity)
    }

    /// Puts a new key set in place of the keys, in all copies of the verifier at once.
    ///
    /// From when this returns, tokens of keys that are gone are refused, remembered ones too. On an
    /// error the old keys stay. Verifications that are under way meanwhile go by either set.
    ///
    /// ```swift
    /// try verifier.update(keySet: bytesOfTheIssuersNewJWKS)
    /// ```
    ///
    /// - Parameter json: What `KeySource.keySet(json:)` takes.
    /// - Throws: `.keySetRefused` or `.noUsableKey`.
    public func update(keySet json: [UInt8]) throws(VerifierConfigurationError) {
        try core.replaceKeys(try KeyFinding(set: json))
    }

    /// As `update(keySet:)`, with keys that were read before.
    package func replaceKeys(_ keys: [PublicKey]) throws(VerifierConfigurationError) {
        try core.replaceKeys(KeyFinding(keys: keys))
    }

    /// Why the keys are not what the folder holds; nil where they are, or come from elsewhere.
    ///
    /// It names the file. For health checks: the verifier goes on with what it has.
    ///
    /// ```swift
    /// if let fault = verifier.keyFault { print(fault.code, fault.description) }
    /// ```
    public var keyFault: VerifierConfigurationError? { core.keyFault }

    /// How many keys it verifies with now.
    package var keyCount: Int { core.keyCount }

    /// Verifies a compact-serialised access token (RFC 7515 §5.2 and §7.1, RFC 9068 §4).
    ///
    /// Checks run cheapest first and stop at the first failure: size (at most 8 KiB), form, header
    /// (`crit`, `alg`, `kid`, `typ`), signature, then claims: their presence and form, `iss`,
    /// `aud`, `exp`, `nbf`, `iat`. A token that was verified before costs a look-up and the time
    /// checks. Performs no I/O, unless the keys are in a folder; safe to call from any thread.
    ///
    /// ```swift
    /// do throws(TokenRejection) {
    ///     let token = try verifier.verify(text, atSecondsSinceEpoch: now)
    ///     print("welcome,", token.name ?? token.subject)
    /// } catch {
    ///     print("401 invalid_token; for the log:", error.code)
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - compactToken: Three base64url parts joined by dots, without the `Bearer ` prefix.
    ///   - now: Seconds since the Unix epoch. The configured leeway is applied on top.
    /// - Returns: The claims, once every check has held.
    /// - Throws: `TokenRejection`; nothing else is ever thrown.
    public func verify(
        _ compactToken: String, atSecondsSinceEpoch now: Int64
    ) throws(TokenRejection) -> VerifiedToken {
        try verify(compactToken, atSecondsSinceEpoch: now, accepting: [.access])
    }

    /// Verifies a token whose `typ` may be that of several kinds; see the public method for the
    /// order of checks.
    package func verify(
        _ compactToken: String, atSecondsSinceEpoch now: Int64, accepting kinds: Set<TokenKind>
    ) throws(TokenRejection) -> VerifiedToken {
        do throws(TokenFault) {
            return try core.verify(compactToken.utf8.span, now: now, accepting: kinds)
        } catch {
            throw TokenRejection(error)
        }
    }

    /// The same, with the fault as the parts name it that read tokens.
    package func claims(
        of compactToken: String, atSecondsSinceEpoch now: Int64, accepting kinds: Set<TokenKind>
    ) throws(TokenFault) -> TokenClaims {
        try core.verify(compactToken.utf8.span, now: now, accepting: kinds).claims
    }

    /// Checks form, header and signature of a JWS whose payload may be anything; `typ` and claims
    /// are not looked at, and nothing is remembered.
    ///
    /// - Returns: The payload.
    package func verifySignature(
        ofCompactJWS jws: [UInt8]
    ) throws(TokenRejection) -> [UInt8] {
        do throws(TokenFault) {
            return try core.payload(ofVerified: jws.span)
        } catch {
            throw TokenRejection(error)
        }
    }

    /// Forgets tokens that were verified, so that they are verified anew when they come again. It
    /// does not refuse them: that is for whoever keeps the list of revoked ones.
    ///
    /// A token whose verification is under way meanwhile is not remembered.
    package func forget(_ tokens: RememberedTokens) { core.forget(tokens) }

    /// How many tokens are remembered now.
    package var rememberedCount: Int { core.rememberedCount }

    /// How often a token came that was remembered.
    package var cacheHits: Int { core.cacheHits }
}

/// Which remembered tokens are meant.
package enum RememberedTokens: Sendable, Equatable {
    case all
    case tokenID(String)
    case subject(String)
    case clientID(String)

    func contain(_ claims: TokenClaims) -> Bool {
        switch self {
        case .all: true
        case .tokenID(let id): ByteText(claims.tokenID) == ByteText(id)
        case .subject(let subject): claims.subject == Subject(subject)
        case .clientID(let id): claims.clientID == ClientID(id)
        }
    }
}
