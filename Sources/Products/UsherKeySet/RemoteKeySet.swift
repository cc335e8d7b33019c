package import Tokens
public import UsherVerifier

/// Verifies tokens of one issuer with the keys that it publishes at an https address, and follows
/// them as they change.
///
/// Tokens are verified in your process; the network is asked only for the first set, for one that
/// has aged, and, not more than once in half a minute, where a token names a key that is not in it.
/// Fetches are one at a time, of 5 seconds and 64 KiB at most, follow no redirect, send and keep no
/// cookie. A set is used for ten minutes, and renewed before that while tokens come; when the
/// issuer does not answer, the last good one goes on for an hour at most. A set that is refused
/// (empty, private members, more than 32 keys, not JSON, …) changes nothing.
///
/// Trusted are the certificate authorities of the system. There is no thread and no timer: with no
/// tokens to verify, nothing is fetched. Safe to use from any number of tasks; keep one for each
/// issuer and audience for as long as the process lives.
///
/// ```swift
/// let keys = try RemoteKeySet(
///     url: "https://auth.example/.well-known/jwks.json", issuer: "https://auth.example",
///     audience: "https://relay.example", algorithms: [.es256])
/// let token = try await keys.verify(text, atSecondsSinceEpoch: now)
/// ```
public final class RemoteKeySet: Sendable {
    /// How the keys travel.
    ///
    /// ```swift
    /// let transport: RemoteKeySet.Transport = isTest ? .insecureHTTPToLoopback : .https
    /// ```
    public enum Transport: Hashable, Sendable {
        /// TLS, and nothing else.
        case https
        /// Plain http is taken too, from 127.0.0.1, [::1] and localhost alone: for tests, and for
        /// an issuer in the same machine. Whoever gets between can make any token.
        case insecureHTTPToLoopback
    }

    private let verifier: Verifier
    private let follower: KeySetFollower

    /// Looks at the configuration; fetches nothing yet. `refresh()` does, at start, if you want to
    /// know early whether the issuer answers.
    ///
    /// ```swift
    /// let keys = try RemoteKeySet(
    ///     url: "https://auth.example/.well-known/jwks.json", issuer: "https://auth.example",
    ///     audience: "https://relay.example", algorithms: [.es256, .eddsa])
    /// ```
    ///
    /// - Parameters:
    ///   - url: Where the issuer publishes its key set (`jwks_uri`). Usher has it at
    ///     `<issuer>/.well-known/jwks.json`.
    ///   - issuer: What `iss` must be, byte by byte.
    ///   - audience: What must be among `aud`, byte by byte.
    ///   - algorithms: Which algorithms are accepted. Keys for others are not used.
    ///   - leewaySeconds: How far the issuer's clock and yours may differ, 0 to 300.
    ///   - cacheCapacity: How many verified tokens are remembered, 0 to 1 000 000.
    ///   - transport: Whether plain http to this machine is taken too.
    /// - Throws: `RemoteKeySetError`, which says what to change.
    public convenience init(
        url: String, issuer: String, audience: String, algorithms: Set<Verifier.Algorithm>,
        leewaySeconds: Int = 30, cacheCapacity: Int = 4096, transport: Transport = .https
    ) throws(RemoteKeySetError) {
        let address = try KeySetAddress(url, transport: transport)
        let timing = KeySetTiming()
        let fetcher = KeySetFetcher(address: address, timeoutSeconds: timing.timeoutSeconds)
        let clock = ContinuousClock()
        let start = clock.now
        try self.init(
            issuer: issuer, audience: audience, algorithms: algorithms,
            leewaySeconds: leewaySeconds, cacheCapacity: cacheCapacity, timing: timing,
            monotonicSeconds: { start.duration(to: clock.now) / .seconds(1) },
            fetch: { await fetcher.fetch() })
    }

    /// As the public initialiser, over http to this machine, with its times and clock given.
    package convenience init(
        loopbackURL: String, issuer: String, audience: String,
        algorithms: Set<Verifier.Algorithm>, timing: KeySetTiming,
        monotonicSeconds: @escaping @Sendable () -> Double
    ) throws(RemoteKeySetError) {
        let address = try KeySetAddress(loopbackURL, transport: .insecureHTTPToLoopback)
        let fetcher = KeySetFetcher(address: address, timeoutSeconds: timing.timeoutSeconds)
        try self.init(
            issuer: issuer, audience: audience, algorithms: algorithms, timing: timing,
            monotonicSeconds: monotonicSeconds, fetch: { await fetcher.fetch() })
    }

    /// With everything of the world given.
    package init(
        issuer: String, audience: String, algorithms: Set<Verifier.Algorithm>,
        leewaySeconds: Int = 30, cacheCapacity: Int = 4096, timing: KeySetTiming,
        monotonicSeconds: @escaping @Sendable () -> Double,
        fetch: @escaping @Sendable () async -> Result<KeySetAnswer, KeySetFault>
    ) throws(RemoteKeySetError) {
        do throws(VerifierConfigurationError) {
            verifier = try Verifier(
                issuer: issuer, audience: audience, algorithms: algorithms, keys: .nothingYet,
                leewaySeconds: leewaySeconds, cacheCapacity: cacheCapacity)
        } catch {
            throw .verifier(error)
        }
        follower = KeySetFollower(
            verifier: verifier, timing: timing,
            ports: KeySetFollower.Ports(now: monotonicSeconds, fetch: fetch))
    }

    deinit { follower.stop() }

    /// Verifies an access token as `Verifier.verify` does; see there for the order of checks.
    ///
    /// Waits for the network where there is no set yet, where the set is ten minutes old and the
    /// issuer answered the last time, or where the token's key is not in it and the issuer was not
    /// asked in the last half minute; 5 seconds at most, each time.
    ///
    /// ```swift
    /// do throws(TokenRejection) {
    ///     let token = try await keys.verify(text, atSecondsSinceEpoch: now)
    ///     print(token.subject)
    /// } catch .keysUnavailable {
    ///     print("503: it is not the token's fault")
    /// } catch {
    ///     print("401 invalid_token; for the log:", error.code)
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - compactToken: Three base64url parts joined by dots, without the `Bearer ` prefix.
    ///   - now: Seconds since the Unix epoch. The configured leeway is applied on top.
    /// - Returns: The claims, once every check has held.
    /// - Throws: `TokenRejection`; `.keysUnavailable` where there is no set that may be used.
    public func verify(
        _ compactToken: String, atSecondsSinceEpoch now: Int64
    ) async throws(TokenRejection) -> VerifiedToken {
        guard let generation = await follower.usableGeneration() else { throw .keysUnavailable }
        do throws(TokenRejection) {
            return try verifier.verify(compactToken, atSecondsSinceEpoch: now)
        } catch .unknownKey {
            guard await follower.hasNewer(than: generation) else { throw .unknownKey }
            return try verifier.verify(compactToken, atSecondsSinceEpoch: now)
        }
    }

    /// Fetches the set now, or waits for the fetch that is under way.
    ///
    /// Nothing limits how often this asks the issuer: call it at start, or on an operator's word.
    ///
    /// ```swift
    /// try await keys.refresh()  // At start: better to fail now than with the first request.
    /// ```
    ///
    /// - Throws: `KeySetFault`, why there is no new set. The old one stays.
    public func refresh() async throws(KeySetFault) {
        if let fault = await follower.refresh() { throw fault }
    }

    /// How it stands with the keys, for health checks and metrics. Asks nobody.
    ///
    /// ```swift
    /// let isReady = keys.status.condition != .unavailable
    /// ```
    public var status: Status { follower.status() }
}
