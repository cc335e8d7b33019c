import Bytes
import Identifiers
import StrictJSON

/// The payload of a client's tokens with the places left open that differ from one to the next:
/// `sub`, `name`, `rooms`, `iat`, `nbf`, `exp` and `jti`.
///
/// Building a payload anew costs more than a tenth of signing it; filling in this form costs next
/// to nothing.
package final class ClaimsTemplate: Sendable {
    private struct Piece: Sendable {
        let before: [UInt8]
        let claim: Claim
    }

    /// Such claims as the template fits.
    private let model: TokenClaims
    private let pieces: [Piece]
    private let end: [UInt8]

    /// Finds the open places in a payload that was built for `skeleton(of: claims)`.
    ///
    /// - Returns: Nil where the payload is not of that form.
    package init?(payload: [UInt8], for claims: TokenClaims) {
        var scanner = RawScanner(names: TokenClaims.claims.table)
        guard (try? scanner.scan(payload.span)) != nil else { return nil }
        var pieces: [Piece] = []
        var from = 0
        for member in scanner.members where member.parent < 0 {
            guard let claim = TokenClaims.claims[member], Self.isOpen(claim) else { continue }
            pieces.append(
                Piece(before: Array(payload[from..<member.value.lowerBound]), claim: claim))
            from = member.value.upperBound
        }
        guard Set(pieces.map(\.claim)) == Set(Self.openClaims(of: claims)) else { return nil }
        model = claims
        self.pieces = pieces
        end = Array(payload[from...])
    }

    /// The claims from which a template is built: what stays, and something short for what is open.
    package static func skeleton(of claims: TokenClaims) -> TokenClaims {
        var skeleton = claims
        skeleton.subject = "-"
        skeleton.tokenID = "-"
        skeleton.issuedAt = 0
        skeleton.expiresAt = 0
        if claims.notBefore != nil { skeleton.notBefore = 0 }
        if claims.name != nil { skeleton.name = "-" }
        skeleton.rooms = Array(claims.rooms.prefix(1))
        return skeleton
    }

    /// Whether the template was built for claims like these.
    package func fits(_ claims: TokenClaims) -> Bool {
        model.clientID == claims.clientID
            && ByteText(model.issuer) == ByteText(claims.issuer)
            && model.audience.elementsEqual(claims.audience) { ByteText($0) == ByteText($1) }
            && model.scopes.elementsEqual(claims.scopes) { ByteText($0) == ByteText($1) }
            && (model.notBefore == nil) == (claims.notBefore == nil)
            && (model.name == nil) == (claims.name == nil)
            && model.rooms.isEmpty == claims.rooms.isEmpty
    }

    /// The payload for these claims, which the template must fit.
    package func payload(for claims: TokenClaims) -> [UInt8] {
        var json: [UInt8] = []
        json.reserveCapacity(512)
        for piece in pieces {
            json.append(contentsOf: piece.before)
            Self.append(piece.claim, of: claims, to: &json)
        }
        json.append(contentsOf: end)
        return json
    }

    private static func append(_ claim: Claim, of claims: TokenClaims, to json: inout [UInt8]) {
        switch claim {
        case .subject: JSONText.appendQuoted(claims.subject.string, to: &json)
        case .tokenID: JSONText.appendQuoted(claims.tokenID, to: &json)
        case .name: JSONText.appendQuoted(claims.name ?? "", to: &json)
        case .issuedAt: json.append(decimal: claims.issuedAt)
        case .notBefore: json.append(decimal: claims.notBefore ?? 0)
        case .expiresAt: json.append(decimal: claims.expiresAt)
        case .rooms: ClaimList.append(claims.rooms.lazy.map(\.text), to: &json)
        default: break
        }
    }

    private static func isOpen(_ claim: Claim) -> Bool {
        switch claim {
        case .subject, .name, .rooms, .issuedAt, .notBefore, .expiresAt, .tokenID: true
        case .issuer, .audience, .clientID, .scope, .confirmation: false
        }
    }

    private static func openClaims(of claims: TokenClaims) -> [Claim] {
        var open: [Claim] = [.subject, .issuedAt, .expiresAt, .tokenID]
        if claims.notBefore != nil { open.append(.notBefore) }
        if claims.name != nil { open.append(.name) }
        if !claims.rooms.isEmpty { open.append(.rooms) }
        return open
    }
}
