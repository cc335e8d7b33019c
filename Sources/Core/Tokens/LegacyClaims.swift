package import Identifiers
import StrictJSON

/// What a legacy token says: one of the classic protocol's first implementation, which a client's
/// own backend signed with HS256.
///
/// Until its MAC is found good under the secret of the client that `clientID` names, nothing of it
/// may be believed, and `clientID` serves to look that secret up alone.
package struct LegacyClaims: Equatable, Sendable {
    /// The latest end that counts, in seconds from now: a year. Backends that were never told to
    /// bound it may have chosen much, but what must be remembered of a token (that it was used, or
    /// revoked) is remembered until its end.
    package static let secondsAheadMax: Int64 = 366 * 86_400

    /// `client`
    package let clientID: ClientID
    /// `expiresAt`, a fraction cut off, or `exp` where that is there and earlier. Seconds since the
    /// Unix epoch.
    package let expiresAt: Int64
    /// `nbf`
    package let notBefore: Int64?
    /// `aud`
    package let audience: [String]?

    /// The members that are read; others are passed over.
    ///
    /// The first two are the protocol's. The others mean in every JWT what they mean in ours: where
    /// a backend sets one it limits the token, and that must hold (RFC 7519 §4.1.3 to §4.1.5).
    private enum Member: String, CaseIterable {
        case client
        case expiresAt
        case audience = "aud"
        case end = "exp"
        case notBefore = "nbf"
        case confirmation = "cnf"
    }

    /// Reads a decoded payload: which claims are there, and of which form.
    ///
    /// - Throws: `.badJSON`, `.senderConstrained`, and `.missingClaim` or `.malformedClaim`, which
    ///   call `client` and `expiresAt` by the names of the claims they stand for.
    package init(reading json: Span<UInt8>) throws(TokenFault) {
        var (client, expiresAt, end): (ClientID?, Int64?, Int64?)
        var (notBefore, audience): (Int64?, [String]?)
        let scanner = try PayloadMember.scan(json, Self.names.table)
        for member in scanner.members where member.parent < 0 {
            guard let name = Self.names[member] else { continue }
            let value = PayloadMember(member)
            switch name {
            case .client: client = try value.clientID(json)
            case .expiresAt: expiresAt = try value.date(json, .expiresAt, rounding: .down)
            case .audience: audience = try value.audience(json)
            case .end: end = try value.date(json, .expiresAt, rounding: .down)
            case .notBefore: notBefore = try value.date(json, .notBefore, rounding: .up)
            case .confirmation: throw .senderConstrained
            }
        }
        guard let client else { throw .missingClaim(.clientID) }
        guard let expiresAt else { throw .missingClaim(.expiresAt) }
        clientID = client
        self.expiresAt = min(expiresAt, end ?? expiresAt)
        self.notBefore = notBefore
        self.audience = audience
    }

    /// Refuses an end further ahead than `secondsAheadMax`; `now` is in seconds since the epoch.
    package func checkEnd(now: Int64) throws(TokenFault) {
        guard expiresAt - Self.secondsAheadMax <= now else { throw .malformedClaim(.expiresAt) }
    }

    private static let names = MemberNames<Member>()
}
