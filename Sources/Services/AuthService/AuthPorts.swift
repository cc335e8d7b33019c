package import Access
package import Bytes
package import Clients
package import ICEServers
package import Identifiers
package import Tokens

/// A token could not be made. `code` is stable and goes to the log, never to the client.
package struct IssueFailure: Error, Equatable, Sendable {
    package let code: String

    package init(code: String) { self.code = code }
}

/// Everything of the world that `AuthService` needs. All closures may be called from any thread.
package struct AuthPorts: Sendable {
    package typealias Lookup = @Sendable (ClientID) throws(RegistryFailure) -> Client?
    package typealias Issue = @Sendable (TokenClaims) throws(IssueFailure) -> String
    package typealias Revoke = @Sendable (Revocation, Actor) throws(RegistryFailure) -> Void
    package typealias IsUsed = @Sendable (_ id: String) throws(RegistryFailure) -> Bool
    package typealias MarkUsed =
        @Sendable (_ id: String, _ expiresAt: Int64) throws(RegistryFailure) -> Bool
    package typealias VerifySignature =
        @Sendable (_ key: PublicKey, _ signature: [UInt8], _ input: [UInt8]) -> Bool
    package typealias Log =
        @Sendable (_ event: StaticString, _ fields: [(StaticString, String)]) -> Void

    /// Seconds since the Unix epoch.
    package let now: @Sendable () -> Int64
    /// As many bytes as asked for, from a cryptographic source.
    package let random: @Sendable (Int) -> [UInt8]
    package let sha256: @Sendable ([UInt8]) -> [UInt8]
    package let constantTimeEqual: @Sendable ([UInt8], [UInt8]) -> Bool
    /// A client by its id; nil where there is none.
    package let client: Lookup
    /// Builds and signs a token, in compact form.
    package let issue: Issue
    /// Which tokens of our own are good.
    package let tokens: TokenCheck
    /// Stores a revocation for everybody to follow; it holds when this returns.
    package let revoke: Revoke
    /// Whether an id was marked as used.
    package let isUsed: IsUsed
    /// Marks an id as used until `expiresAt`; false where it was before.
    package let markUsed: MarkUsed
    /// Whether the signature, in JWS form, is the key's over these bytes.
    package let verifySignature: VerifySignature
    /// The public keys as a JWK set (RFC 7517 §5), serialised.
    package let keySet: @Sendable () -> [UInt8]
    /// Looks for changes of clients that this process has not seen yet, unless that was done too
    /// often just now; false where there are none.
    package let catchUp: @Sendable () -> Bool
    /// Whether some client that is enabled lists this origin. False where nobody can tell now.
    package let isListedOrigin: @Sendable (_ origin: ByteText) -> Bool
    /// What the holder of a token with this `sub` is told of ICE servers; `now` is in seconds since
    /// the Unix epoch.
    package let iceServers: @Sendable (_ subject: Subject, _ now: Int64) -> ICEServers.Offer
    /// Fields hold no secrets and no tokens.
    package let log: Log
    /// nil: no client registers itself over HTTP.
    package let registrations: RegistrationPorts?

    package init(
        now: @escaping @Sendable () -> Int64, random: @escaping @Sendable (Int) -> [UInt8],
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8],
        constantTimeEqual: @escaping @Sendable ([UInt8], [UInt8]) -> Bool,
        client: @escaping Lookup, issue: @escaping Issue, tokens: TokenCheck,
        revoke: @escaping Revoke,
        isUsed: @escaping IsUsed, markUsed: @escaping MarkUsed,
        verifySignature: @escaping VerifySignature,
        keySet: @escaping @Sendable () -> [UInt8],
        catchUp: @escaping @Sendable () -> Bool,
        isListedOrigin: @escaping @Sendable (ByteText) -> Bool,
        iceServers: @escaping @Sendable (Subject, Int64) -> ICEServers.Offer, log: @escaping Log,
        registrations: RegistrationPorts? = nil
    ) {
        self.now = now
        self.random = random
        self.sha256 = sha256
        self.constantTimeEqual = constantTimeEqual
        self.client = client
        self.issue = issue
        self.tokens = tokens
        self.revoke = revoke
        self.isUsed = isUsed
        self.markUsed = markUsed
        self.verifySignature = verifySignature
        self.keySet = keySet
        self.catchUp = catchUp
        self.isListedOrigin = isListedOrigin
        self.iceServers = iceServers
        self.log = log
        self.registrations = registrations
    }

    /// Asks the registry, or tells it something.
    func ask<each Argument, Answer>(
        _ port: (repeat each Argument) throws(RegistryFailure) -> Answer,
        _ arguments: repeat each Argument
    ) throws(OAuthRefusal) -> Answer {
        do {
            return try port(repeat each arguments)
        } catch {
            throw unavailable(error)
        }
    }

    /// What is answered where the registry could not be asked or told; the cause goes to the log.
    func unavailable(_ failure: RegistryFailure) -> OAuthRefusal {
        log("registry_unavailable", [("code", failure.code)])
        return .temporarilyUnavailable
    }

    /// Stores a revocation, which holds when this returns.
    func takeBack(_ revocation: Revocation, by actor: Actor) throws(OAuthRefusal) {
        do {
            try revoke(revocation, actor)
        } catch .revocationsFull {
            throw .tooManyRequests(
                "this client's share of revocations is used up: revoke all tokens of the user "
                    + "(sub) or of the client (all=true), which takes the place of theirs",
                retryAfter: 60)
        } catch {
            throw unavailable(error)
        }
    }
}
