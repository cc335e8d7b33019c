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
        var scanner = RawScanner(limits: JSONLimits(bytesMax: CompactJWS.bytesMax, depthMax: 16))
        do throws(JSONError) {
            try scanner.scan(json)
        } catch {
            throw .badJSON(.payload)
        }
        for member in scanner.members where member.parent < 0 {
            guard let name = MemberName(of: member, in: json),
                let place = Self.claimNames.firstIndex(of: name)
            else { continue }
            try take(Claim.allCases[place], PayloadMember(member), json)
        }
        try checkPresence()
    }

    private mutating func take(
        _ claim: Claim, _ member: PayloadMember, _ json: Span<UInt8>
    ) throws(TokenFault) {
        switch claim {
        case .issuer: issuer = try member.text(json, claim)
        case .audience: audience = try member.audience(json)
        case .subject: subject = try member.text(json, claim)
        case .clientID: clientID = try member.text(json, claim)
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
        guard !subject.isEmpty else { throw .missingClaim(.subject) }
        guard !clientID.isEmpty else { throw .missingClaim(.clientID) }
        guard issuedAt >= 0 else { throw .missingClaim(.issuedAt) }
        guard !tokenID.isEmpty else { throw .missingClaim(.tokenID) }
    }

    /// In the order of `Claim.allCases`.
    private static let claimNames = Claim.allCases.compactMap { MemberName($0.rawValue) }
}

/// A member of the payload and how to read its value as each type.
private struct PayloadMember {
    private let member: RawScanner.RawMember

    init(_ member: RawScanner.RawMember) { self.member = member }

    /// A string that is not empty.
    func text(_ json: Span<UInt8>, _ claim: Claim) throws(TokenFault) -> String {
        // Two quotes are an empty one.
        guard member.kind == .string, member.value.count > 2 else { throw .malformedClaim(claim) }
        let content = (member.value.lowerBound + 1)..<(member.value.upperBound - 1)
        guard let text = JSONText.unquote(json, content) else { throw .malformedClaim(claim) }
        return text
    }

    func date(
        _ json: Span<UInt8>, _ claim: Claim, rounding: NumericDate.Rounding
    ) throws(TokenFault) -> Int64 {
        guard member.kind == .number,
            let date = NumericDate.read(member.value, of: json, rounding: rounding)
        else { throw .malformedClaim(claim) }
        return date
    }

    /// RFC 7519 §4.1.3: one string, or a list of them that is not empty.
    func audience(_ json: Span<UInt8>) throws(TokenFault) -> [String] {
        if member.kind == .string { return [try text(json, .audience)] }
        guard let audience = strings(json), !audience.isEmpty else {
            throw .malformedClaim(.audience)
        }
        return audience
    }

    func scopes(_ json: Span<UInt8>) throws(TokenFault) -> [String] {
        guard let scopes = Scope.parse(try text(json, .scope)) else {
            throw .malformedClaim(.scope)
        }
        return scopes
    }

    func rooms(_ json: Span<UInt8>) throws(TokenFault) -> [RoomPattern] {
        guard let texts = strings(json) else { throw .malformedClaim(.rooms) }
        var rooms: [RoomPattern] = []
        rooms.reserveCapacity(texts.count)
        for text in texts {
            do throws(RoomPatternError) {
                rooms.append(try RoomPattern(text))
            } catch {
                throw .malformedClaim(.rooms)
            }
        }
        return rooms
    }

    /// The strings of an array, whose form the scanner has already checked; nil where the value is
    /// no array or one of its elements no string.
    private func strings(_ json: Span<UInt8>) -> [String]? {
        guard member.kind == .array else { return nil }
        var strings: [String] = []
        strings.reserveCapacity(4)
        var at = member.value.lowerBound + 1
        while at < member.value.upperBound - 1 {
            switch json[at] {
            case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","): at += 1
            case UInt8(ascii: "\""):
                let content = (at + 1)..<endOfString(json, from: at + 1)
                guard let string = JSONText.unquote(json, content) else { return nil }
                strings.append(string)
                at = content.upperBound + 1
            default: return nil
            }
        }
        return strings
    }

    /// Where the closing quote stands.
    private func endOfString(_ json: Span<UInt8>, from start: Int) -> Int {
        var at = start
        while json[at] != UInt8(ascii: "\"") {
            at += json[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        return at
    }
}
