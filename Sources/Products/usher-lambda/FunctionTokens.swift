import AWSServices
import Access
import Bytes
import Cryptography
import HTTPClient
import HTTPMessages
import Identifiers
import Tokens
import UsherVerifier

/// Which tokens are good, by the keys of the issuer or the secrets of clients.
struct FunctionTokens: Sendable {
    private static let leewaySeconds = 30

    private let verifier: Verifier
    /// nil where the keys are given.
    private let followed: FollowedKeySet?
    private let legacy: LegacyVerifier

    /// - Throws: `SettingFault` where the key set that was given is none.
    init(
        _ settings: FunctionSettings, clients: ClientPool, work: WorkDeadline, log: FunctionLog
    ) throws(SettingFault) {
        let (issuer, audience) = (settings.issuer.string, settings.audience.string)
        let source: KeySource =
            if case .text(let json) = settings.keys { .keySet(json: json) } else { .nothingYet }
        do throws(VerifierConfigurationError) {
            verifier = try Verifier(
                issuer: issuer, audience: audience, signatureAlgorithms: [.es256, .rs256, .eddsa],
                keys: source, leewaySeconds: Self.leewaySeconds)
        } catch {
            throw SettingFault(
                name: "USHER_KEY_SET", value: nil,
                expected: "the issuer's key set (\(error.description))")
        }
        if case .followed(let url) = settings.keys {
            followed = FollowedKeySet(
                verifier,
                ports: FollowedKeySet.Ports(
                    now: Clock.seconds,
                    fetch: { (most) throws(HTTPClientError) in
                        try Self.fetch(url, clients, work.deadline.earlier(most))
                    }, log: log.write))
        } else {
            followed = nil
        }
        legacy = LegacyVerifier(
            policy: ClaimsPolicy(
                issuer: issuer, audience: audience, leewaySeconds: Int64(Self.leewaySeconds)),
            sha256: Digest.sha256, client: { settings.legacy[$0] })
    }

    private static func fetch(
        _ url: HTTPURL, _ clients: ClientPool, _ deadline: Deadline
    ) throws(HTTPClientError) -> HTTPResponse {
        let headers = HeaderFields([
            ("Accept", "application/jwk-set+json, application/json"),
            ("Cache-Control", "no-cache"),
        ])
        return try clients.withClient { (client) throws(HTTPClientError) in
            try client.request("GET", url, headers: headers, deadline: deadline)
        }
    }

    /// Fetches keys that are due. For when an answer is out.
    func renewIfDue() { followed?.renewIfDue() }

    /// As `TokenCheck.Verify`. HS256 is none of the verifier's algorithms, so no token is looked at
    /// both ways.
    func verify(
        _ token: String, _ kinds: Set<TokenKind>, _ now: Int64
    ) throws(TokenRefused) -> TokenClaims {
        do throws(TokenRejection) {
            return try claims(of: token, kinds, now)
        } catch .keysUnavailable {
            throw .keysUnavailable
        } catch {
            throw TokenRefused(code: error.code)
        }
    }

    private func claims(
        of token: String, _ kinds: Set<TokenKind>, _ now: Int64
    ) throws(TokenRejection) -> TokenClaims {
        // Before anybody is asked for keys, which they don't need.
        if kinds.contains(.legacy), Self.isHS256(token.utf8.span) {
            do throws(TokenFault) {
                return try legacy.verify(token, atSecondsSinceEpoch: now)
            } catch {
                throw TokenRejection(error)
            }
        }
        if let followed {
            return try followed.verify(token, atSecondsSinceEpoch: now, accepting: kinds).claims
        }
        return try verifier.verify(token, atSecondsSinceEpoch: now, accepting: kinds).claims
    }

    private static func isHS256(_ token: Span<UInt8>) -> Bool {
        guard let jws = try? CompactJWS(splitting: token),
            let header = try? CompactJWS.decode(.header, jws.header, of: token)
        else { return false }
        return (try? JOSEHeader(reading: header.span))?.algorithm == .hs256
    }
}
