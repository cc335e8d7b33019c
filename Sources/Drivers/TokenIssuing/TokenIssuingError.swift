package import Cryptography
package import Tokens

/// Why a token cannot be issued. Names the claim, never its value.
package enum TokenIssuingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A verifier would refuse it: empty, outside its grammar, or with a NUL in it.
    case unfitClaim(Claim)
    /// The token would be longer than any verifier takes.
    case tooLong(byteCount: Int)
    /// libjwt would not build the token: it is out of memory.
    case buildingFailed
    case signing(CryptographyError)

    /// Stable across releases.
    package var code: String {
        switch self {
        case .unfitClaim: "issue_claim"
        case .tooLong: "issue_too_long"
        case .buildingFailed: "issue_failed"
        case .signing(let error): error.code
        }
    }

    package var description: String {
        switch self {
        case .unfitClaim(let claim): "the claim `\(claim.rawValue)` cannot stand in a token"
        case .tooLong(let count):
            "the token would have \(count) bytes, at most \(CompactJWS.bytesMax) are taken: "
                + "ask for fewer rooms"
        case .buildingFailed: "libjwt could not build the token"
        case .signing(let error): error.description
        }
    }
}
