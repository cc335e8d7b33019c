import CLibJWT
import Glibc
import Identifiers
import Tokens

/// A token that libjwt is building. Owns the `jwt_t`, freed by `deinit`.
///
/// libjwt is asked for the JSON alone: it neither signs nor verifies here (docs/decisions).
@safe struct ClaimsBuilder: ~Copyable {
    private let token: OpaquePointer

    private init() throws(TokenIssuingError) {
        var token: OpaquePointer?
        guard unsafe jwt_new(&token) == 0, let token = unsafe token else { throw .buildingFailed }
        unsafe self.token = token
    }

    deinit { unsafe jwt_free(token) }

    /// The compact JSON of a header (RFC 9068 §2.1).
    static func header(
        algorithm: SignatureAlgorithm, keyID: String, kind: TokenKind
    ) throws(TokenIssuingError) -> [UInt8] {
        let builder = try ClaimsBuilder()
        try builder.add(.algorithm, algorithm.rawValue)
        try builder.add(.keyID, keyID)
        try builder.add(.type, kind.typeHeader)
        return try unsafe bytes(of: jwt_get_headers_json(builder.token, nil))
    }

    /// The compact JSON of claims (RFC 9068 §2.2), which `TokenIssuer` has found fit.
    static func payload(of claims: TokenClaims) throws(TokenIssuingError) -> [UInt8] {
        let builder = try ClaimsBuilder()
        try builder.add(.issuer, claims.issuer)
        if claims.audience.count == 1 {
            try builder.add(.audience, claims.audience[0])  // RFC 7519 §4.1.3
        } else {
            try builder.add(.audience, claims.audience)
        }
        try builder.add(.subject, claims.subject.string)
        try builder.add(.clientID, claims.clientID.string)
        try builder.add(.issuedAt, claims.issuedAt)
        if let notBefore = claims.notBefore { try builder.add(.notBefore, notBefore) }
        try builder.add(.expiresAt, claims.expiresAt)
        try builder.add(.tokenID, claims.tokenID)
        if !claims.scopes.isEmpty {
            try builder.add(.scope, claims.scopes.joined(separator: " "))
        }
        if !claims.rooms.isEmpty { try builder.add(.rooms, claims.rooms.map(\.text)) }
        if let name = claims.name { try builder.add(.name, name) }
        return try unsafe bytes(of: jwt_get_grants_json(builder.token, nil))
    }

    private borrowing func add(
        _ member: HeaderMember, _ value: String
    ) throws(TokenIssuingError) {
        guard unsafe jwt_add_header(token, member.rawValue, value) == 0 else {
            throw .buildingFailed
        }
    }

    private borrowing func add(_ claim: Claim, _ value: String) throws(TokenIssuingError) {
        guard unsafe jwt_add_grant(token, claim.rawValue, value) == 0 else {
            throw .unfitClaim(claim)
        }
    }

    private borrowing func add(_ claim: Claim, _ seconds: Int64) throws(TokenIssuingError) {
        guard unsafe jwt_add_grant_int(token, claim.rawValue, Int(seconds)) == 0 else {
            throw .unfitClaim(claim)
        }
    }

    private borrowing func add(_ claim: Claim, _ values: [String]) throws(TokenIssuingError) {
        var json = Array("{\"\(claim.rawValue)\":".utf8)
        ClaimList.append(values, to: &json)
        json.append(contentsOf: "}\0".utf8)
        let status = unsafe json.withUnsafeBytes { json in
            unsafe jwt_add_grants_json(token, json.assumingMemoryBound(to: CChar.self).baseAddress)
        }
        guard status == 0 else { throw .unfitClaim(claim) }
    }

    /// Copies a text of libjwt's and frees it.
    private static func bytes(
        of json: UnsafeMutablePointer<CChar>?
    ) throws(TokenIssuingError) -> [UInt8] {
        guard let json = unsafe json else { throw .buildingFailed }
        defer { unsafe free(json) }
        return unsafe Array(UnsafeRawBufferPointer(start: json, count: strlen(json)))
    }
}
