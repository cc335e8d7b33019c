import Bytes
import Identifiers
import StrictJSON

extension TokenClaims {
    /// Reads a decoded payload: which claims are there, and of which form. Whether they please is
    /// for `ClaimsPolicy`.
    ///
    /// Claims that are not listed in `Claim` are passed over. `.badJSON`, `.missingClaim` (RFC 9068
    /// §2.2 requires iss, exp, aud, sub, client_id, iat and jti), `.malformedClaim` and
    /// `.senderConstrained` are what is thrown.
    package init(reading json: Span<UInt8>, kind: TokenKind) throws(TokenFault) {
        // Whatever is still empty, or negative, at the end was not there: no claim may be either.
        self.init(
            issuer: "", audience: [], subject: "", clientID: "", issuedAt: -1, expiresAt: -1,
            tokenID: "", scopes: [], rooms: [], kind: kind)
        let scanner = try PayloadMember.scan(json, Self.claims.table)
        for member in scanner.members where member.parent < 0 {
            guard let claim = Self.claims[member] else { continue }
            try take(claim, PayloadMember(member), json)
        }
        try checkPresence()
    }

    private mutating func take(
        _ claim: Claim, _ member: PayloadMember, _ json: Span<UInt8>
    ) throws(TokenFault) {
        switch claim {
        case .issuer: issuer = try member.text(json, claim)
        case .audience: audience = try member.audience(json)
        case .subject: subject = Subject(try member.text(json, claim))
        case .clientID: clientID = try member.clientID(json)
        case .tokenID: tokenID = try member.text(json, claim)
        case .name: name = try member.text(json, claim)
        case .issuedAt: issuedAt = try member.date(json, claim, rounding: .up)
        case .notBefore: notBefore = try member.date(json, claim, rounding: .up)
        case .expiresAt: expiresAt = try member.date(json, claim, rounding: .down)
        case .scope: scopes = try member.scopes(json)
        case .rooms: rooms = try member.rooms(json)
        // RFC 7800: whatever it confirms, we have no means to ask for it.
        case .confirmation: throw .senderConstrained
        }
    }

    private func checkPresence() throws(TokenFault) {
        guard !issuer.isEmpty else { throw .missingClaim(.issuer) }
        guard !audience.isEmpty else { throw .missingClaim(.audience) }
        guard expiresAt >= 0 else { throw .missingClaim(.expiresAt) }
        guard !subject.text.isEmpty else { throw .missingClaim(.subject) }
        guard !clientID.text.isEmpty else { throw .missingClaim(.clientID) }
        guard issuedAt >= 0 else { throw .missingClaim(.issuedAt) }
        guard !tokenID.isEmpty else { throw .missingClaim(.tokenID) }
    }

    static let claims = MemberNames<Claim>()
}
