import Bytes
import Clients
import HTTPMessages
import Identifiers
import StrictJSON
import Tokens

/// A JWT by which a client says who it is (RFC 7523 §2.2), read and checked but for its signature
/// and its first use.
struct ClientAssertion: Equatable {
    /// How far clocks may differ, in seconds.
    static let leewaySeconds: Int64 = 30
    /// How far ahead its end may lie, in seconds, beside the leeway.
    static let lifetimeSecondsMax: Int64 = 300

    let clientID: ClientID
    let tokenID: ByteText
    /// Seconds since the Unix epoch.
    let expiresAt: Int64
    let algorithm: SignatureAlgorithm
    let keyID: ByteText?
    let signingInput: [UInt8]
    let signature: [UInt8]

    /// From this second on the same assertion is refused for its age.
    var replayableUntil: Int64 { expiresAt + Self.leewaySeconds }

    /// Reads `compact`. `aud` must be `issuer` alone: an assertion made for another server is of no
    /// use here, nor the other way round (CVE-2025-27370, CVE-2025-27371). `now` is in seconds
    /// since the Unix epoch.
    init(_ compact: ByteText, issuer: ByteText, now: Int64) throws(AssertionFault) {
        let bytes = Array(compact.utf8)
        let header: JSONObject
        let claims: JSONObject
        do throws(TokenFault) {
            let parts = try CompactJWS(splitting: bytes.span)
            header = try Self.object(.header, parts.header, bytes)
            claims = try Self.object(.payload, parts.payload, bytes)
            signature = try CompactJWS.decode(.signature, parts.signature, of: bytes.span)
            signingInput = Array(bytes[parts.signingInput])
        } catch {
            throw Self.malformed(error)
        }
        try Self.checkHeader(header)
        algorithm = try Self.algorithm(header["alg"])
        keyID = try Self.keyID(header["kid"])
        clientID = ClientID(try Self.label(claims, "iss"))
        guard try Self.label(claims, "sub") == clientID.text else {
            throw .claim("sub", "must be the client_id, as iss is")
        }
        guard Self.audience(claims["aud"]) == issuer else {
            throw .claim("aud", "must be \(issuer) and nothing else")
        }
        expiresAt = try Self.times(claims, now)
        tokenID = try Self.label(claims, "jti")
    }

    private static func object(
        _ part: TokenFault.Part, _ range: Range<Int>, _ bytes: [UInt8]
    ) throws(TokenFault) -> JSONObject {
        let decoded = try CompactJWS.decode(part, range, of: bytes.span)
        let limits = JSONLimits(bytesMax: CompactJWS.bytesMax, depthMax: 8)
        guard let object = (try? JSONValue.parse(decoded, limits: limits))?.object else {
            throw .badJSON(part)
        }
        return object
    }

    private static func malformed(_ fault: TokenFault) -> AssertionFault {
        switch fault {
        case .tooLong: .malformed("over \(CompactJWS.bytesMax) bytes")
        case .badEncoding(let part): .malformed("the \(part.rawValue) is not base64url")
        case .badJSON(let part): .malformed("the \(part.rawValue) is no strict JSON object")
        default: .malformed("not three parts with dots between")
        }
    }
}

// MARK: The header

extension ClientAssertion {
    /// No other kind of JWT can serve as an assertion (RFC 8725 §3.12), but many libraries write
    /// plain `JWT` or nothing.
    private static let types: Set<ByteText> = [
        "jwt", "client-authentication+jwt", "application/jwt",
        "application/client-authentication+jwt",
    ]
    private static let refused: [ByteText] = ["crit", "b64", "zip"]

    private static func checkHeader(_ header: JSONObject) throws(AssertionFault) {
        for member in refused where header[member] != nil {
            throw .header(member.string, "is not understood here")
        }
        guard let value = header["typ"] else { return }
        guard types.contains(FieldGrammar.lowercased(value.string ?? "")) else {
            throw .header("typ", "must be client-authentication+jwt, JWT or absent")
        }
    }

    private static func algorithm(
        _ value: JSONValue?
    ) throws(AssertionFault) -> SignatureAlgorithm {
        guard let algorithm = SignatureAlgorithm(named: value?.string ?? ""),
            !algorithm.isSymmetric
        else { throw .header("alg", "must be ES256, RS256 or EdDSA") }
        return algorithm
    }

    private static func keyID(_ value: JSONValue?) throws(AssertionFault) -> ByteText? {
        guard let value else { return nil }
        guard let keyID = value.string, KeyID.isValid(keyID.string) else {
            throw .header("kid", "must have 1 to \(KeyID.bytesMax) plain characters")
        }
        return keyID
    }
}

// MARK: The claims

extension ClientAssertion {
    private static func label(
        _ claims: JSONObject, _ name: ByteText
    ) throws(AssertionFault) -> ByteText {
        guard let text = claims[name]?.string, TextRules.isLabel(text) else {
            throw .claim(name.string, "must be a text of 1 to \(TextRules.bytesMax) bytes")
        }
        return text
    }

    /// The one value: a string, or the only one of a list.
    private static func audience(_ value: JSONValue?) -> ByteText? {
        guard let list = value?.array else { return value?.string }
        return list.count == 1 ? list[0].string : nil
    }

    /// Checks `exp`, `nbf` and `iat` against the clock, and gives back `exp`.
    private static func times(
        _ claims: JSONObject, _ now: Int64
    ) throws(AssertionFault) -> Int64 {
        guard let expiresAt = try date(claims, "exp", .down) else {
            throw .claim("exp", "is missing")
        }
        guard now - leewaySeconds < expiresAt else { throw .claim("exp", "has passed") }
        guard expiresAt <= now + lifetimeSecondsMax + leewaySeconds else {
            throw .claim("exp", "must be at most \(lifetimeSecondsMax) seconds ahead")
        }
        for name: ByteText in ["nbf", "iat"] {
            guard let date = try date(claims, name, .up) else { continue }
            guard date <= now + leewaySeconds else {
                throw .claim(name.string, "lies in the future")
            }
        }
        return expiresAt
    }

    /// A NumericDate (RFC 7519 §2); a fraction is rounded to the side that makes it good for less.
    private static func date(
        _ claims: JSONObject, _ name: ByteText, _ rounding: FloatingPointRoundingRule
    ) throws(AssertionFault) -> Int64? {
        guard let value = claims[name] else { return nil }
        let range = 0...NumericDate.latest
        if let seconds = value.int64, range.contains(seconds) { return seconds }
        guard let seconds = value.double, seconds >= 0, seconds <= Double(NumericDate.latest)
        else { throw .claim(name.string, "must be a number of seconds since 1970") }
        return Int64(seconds.rounded(rounding))
    }
}
