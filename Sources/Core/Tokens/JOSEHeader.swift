import Bytes
import StrictJSON

/// A JWS header, reduced to what a verifier may act on.
///
/// `jwk`, `jku`, `x5c` and `x5u` are passed over unread: a token does not bring its own key
/// (RFC 8725 §3.10). Whatever would change how the token is read is refused.
package struct JOSEHeader: Sendable, Equatable {
    package let algorithm: SignatureAlgorithm
    /// Nil where there is none: `KeyRing` refuses that, and legacy tokens have no use for one.
    package let keyID: String?
    /// Nil where `typ` is absent or names no kind of ours.
    package let kind: TokenKind?
    /// Whether it can be the header of a legacy token: HS256, and `typ` is `JWT` (RFC 7519 §5.1) or
    /// absent.
    package let isLegacy: Bool

    /// Reads a decoded header.
    ///
    /// - Throws: `.badJSON`, `.criticalHeader`, `.badHeader` or `.unknownAlgorithm`.
    package init(reading json: Span<UInt8>) throws(TokenFault) {
        var scanner = RawScanner(
            limits: JSONLimits(bytesMax: CompactJWS.bytesMax, depthMax: 8), names: Self.names.table)
        do throws(JSONError) {
            try scanner.scan(json)
        } catch {
            throw .badJSON(.header)
        }
        var algorithm: SignatureAlgorithm?
        var keyID: String?
        var type: ByteText?
        for member in scanner.members where member.parent < 0 {
            guard let known = Self.names[member] else { continue }
            switch known {
            case .critical: throw .criticalHeader
            case .unencodedPayload, .compression: throw .badHeader(member: known)
            case .algorithm: algorithm = try Self.algorithm(scanner.string(of: member, in: json))
            case .keyID: keyID = try Self.keyID(scanner.string(of: member, in: json))
            case .type:
                type = scanner.string(of: member, in: json)
                guard type != nil else { throw .badHeader(member: .type) }
            }
        }
        guard let algorithm else { throw .badHeader(member: .algorithm) }
        self.algorithm = algorithm
        self.keyID = keyID
        kind = TokenKind(typeHeader: type)
        isLegacy = algorithm == .hs256 && (type == nil || type?.equalsIgnoringCase("jwt") == true)
    }

    private static func algorithm(_ text: ByteText?) throws(TokenFault) -> SignatureAlgorithm {
        guard let text else { throw .badHeader(member: .algorithm) }
        guard let algorithm = SignatureAlgorithm(named: text) else { throw .unknownAlgorithm }
        return algorithm
    }

    private static func keyID(_ text: ByteText?) throws(TokenFault) -> String {
        guard let text = text?.string, KeyID.isValid(text) else { throw .badHeader(member: .keyID) }
        return text
    }

    private static let names = MemberNames<HeaderMember>()
}
