import Access
import Bytes
import Clients
import Cryptography
import Identifiers
import ServerlessRelay
import Tokens
import UsherVerifier

/// A client's id, as it goes into a table, where nobody knows which there are.
enum TableClient {
    static func checked(_ client: ClientID) throws(SettingError) -> ClientID {
        guard (1...Revocation.nameBytesMax).contains(client.text.count), client.isVisible else {
            throw SettingError(
                place: "CLIENT-ID", value: Printable.text(client.string),
                expected: "a client_id: 1 to \(Revocation.nameBytesMax) characters of ASCII")
        }
        return client
    }
}

enum Closed {
    static func text(_ count: Int) -> String {
        count == 1 ? "1 connection was closed." : "\(count) connections were closed."
    }
}

extension TokenCommand.Revoke {
    func revoke(at relay: TableRelay, _ now: Int64) throws {
        let revocation: Revocation
        let withdrawal: Withdrawal
        if let client {
            let id = try TableClient.checked(client)
            if let subject {
                try Self.check(subject: subject)
                let user = ByteText(subject)
                revocation = .allOf(user: user, of: id, now: now)
                // As Usher's tokens name the user, and as those of other issuers may.
                withdrawal = .subjects(
                    [Subject(user, of: id), Subject(user)], of: id, issuedBefore: now)
            } else {
                revocation = .allOf(clientID: id, now: now)
                withdrawal = .tokens(of: id, issuedBefore: now)
            }
        } else {
            let named = try NamedToken(try TokenInput.read(), failure)
            revocation = .token(id: named.id, expiresAt: named.expiresAt)
            guard named.isGood(at: now) else { return doneExpired() }
            withdrawal = .token(id: ByteText(named.id), expiresAt: named.expiresAt)
        }
        show(revocation, closed: try relay.withdraw(withdrawal))
    }
}

/// By what a token is taken back. Whoever may write the table may take back any, so nothing of it
/// is verified.
private struct NamedToken {
    /// For as long after its end as any verifier may take it.
    private static let leewaySeconds: Int64 = 300

    let id: String
    let expiresAt: Int64

    init(
        _ token: String, _ failure: (TokenRejection) -> CommandFailure
    ) throws(CommandFailure) {
        do throws(TokenFault) {
            let bytes = Array(token.utf8)
            let jws = try CompactJWS(splitting: bytes.span)
            let header = try CompactJWS.decode(.header, jws.header, of: bytes.span)
            let payload = try CompactJWS.decode(.payload, jws.payload, of: bytes.span)
            if try JOSEHeader(reading: header.span).isLegacy {
                expiresAt = try LegacyClaims(reading: payload.span).expiresAt
                id = LegacyToken.tokenID(of: token, sha256: Digest.sha256)
            } else {
                let claims = try TokenClaims(reading: payload.span, kind: .access)
                expiresAt = claims.expiresAt
                id = claims.tokenID
            }
        } catch {
            throw failure(TokenRejection(error))
        }
        guard id.utf8.count <= Revocation.nameBytesMax else {
            throw CommandFailure("its jti has more than \(Revocation.nameBytesMax) bytes")
        }
    }

    func isGood(at now: Int64) -> Bool { expiresAt > now - Self.leewaySeconds }
}
