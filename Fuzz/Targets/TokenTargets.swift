import Bytes
import Identifiers
import StrictJSON
import Tokens

extension FuzzTarget {
    static let compactToken = FuzzTarget(
        check: fuzzCompactToken,
        work: { bytes in { readToken(bytes) } },
        benign: {
            repeating(
                #""word","#, between: #"{"alg":"EdDSA","iss":"https://usher.example","list":["#,
                and: #""end"]}"#, count: $0.count)
        })

    static let jwkSet = FuzzTarget(
        check: fuzzJWKSet,
        work: { bytes in { _ = try? JWKSet(parsing: bytes, sha256: anyDigest) } },
        benign: {
            repeating(
                #"{"kty":"XY","kid":"word"},"#, between: #"{"keys":["#, and: #"{"kty":"XY"}]}"#,
                count: $0.count)
        })
}

private func readToken(_ bytes: [UInt8]) {
    var (header, payload) = (bytes, bytes)
    if bytes.first != UInt8(ascii: "{") {
        guard let token = try? CompactJWS(splitting: bytes.span) else { return }
        header = (try? CompactJWS.decode(.header, token.header, of: bytes.span)) ?? []
        payload = (try? CompactJWS.decode(.payload, token.payload, of: bytes.span)) ?? []
    }
    _ = try? JOSEHeader(reading: header.span)
    _ = try? TokenClaims(reading: payload.span, kind: .access)
}

/// A compact token, or, where the input starts with a brace, a header and a payload.
func fuzzCompactToken(_ bytes: [UInt8]) {
    guard bytes.first != UInt8(ascii: "{") else {
        checkHeader(bytes)
        checkClaims(bytes)
        return
    }
    checkBase64URL(bytes)
    guard let token = try? CompactJWS(splitting: bytes.span) else { return }
    let parts = [token.header, token.payload, token.signature]
    require(bytes.count <= CompactJWS.bytesMax, "a token has a longest length")
    require(
        Array(parts.map { bytes[$0] }.joined(separator: [UInt8(ascii: ".")])) == bytes,
        "three parts and two dots are the whole token")
    if let header = try? CompactJWS.decode(.header, token.header, of: bytes.span) {
        checkHeader(header)
    }
    if let payload = try? CompactJWS.decode(.payload, token.payload, of: bytes.span) {
        checkClaims(payload)
    }
}

private func checkBase64URL(_ bytes: [UInt8]) {
    guard let decoded = Base64URL.decode(bytes.span) else { return }
    require(
        Array(Base64URL.encode(decoded).utf8) == bytes,
        "there is one way to write these bytes (RFC 7515 §2)")
}

private func checkHeader(_ json: [UInt8]) {
    guard let header = try? JOSEHeader(reading: json.span) else { return }
    require(header.keyID.map(KeyID.isValid) != false, "a key id that was taken is valid")
    guard let object = object(json) else { return }
    require(
        object["alg"]?.string == ByteText(header.algorithm.rawValue), "alg is what the header says")
    require(
        object["kid"]?.string == header.keyID.map { ByteText($0) }, "kid is what the header says")
    require(object["crit"] == nil, "no header with crit passes (RFC 7515 §4.1.11)")
    require(object["b64"] == nil && object["zip"] == nil, "neither b64 nor zip passes")
}

private func checkClaims(_ json: [UInt8]) {
    for kind in [TokenKind.access, .session] {
        guard let claims = try? TokenClaims(reading: json.span, kind: kind) else { continue }
        require(!claims.audience.isEmpty, "an audience is there (RFC 7519 §4.1.3)")
        require(claims.expiresAt >= 0 && claims.issuedAt >= 0, "dates are not negative")
        guard let object = object(json) else { continue }
        require(object["iss"]?.string == ByteText(claims.issuer), "iss is what the payload says")
        require(object["sub"]?.string == claims.subject.text, "sub is what the payload says")
        require(object["client_id"]?.string == claims.clientID.text, "client_id likewise")
        require(object["jti"]?.string == ByteText(claims.tokenID), "jti likewise")
        require(object["cnf"] == nil, "no sender-constrained token passes as Bearer")
        if let date = object["exp"]?.int64 {
            require(date == claims.expiresAt, "exp is what the payload says")
        }
        checkRooms(claims, object)
    }
}

private func checkRooms(_ claims: TokenClaims, _ object: JSONObject) {
    let texts = object["rooms"]?.array?.compactMap { $0.string?.string } ?? []
    require(texts.count == claims.rooms.count, "every room pattern is there")
    for (text, room) in zip(texts, claims.rooms) {
        require(areSame(text, room.text), "a room pattern is what the payload says")
        require(room.covers(room), "a pattern covers itself")
    }
}

/// The object as the other reader sees it; nil where names deep inside repeat.
private func object(_ json: [UInt8]) -> JSONObject? {
    (try? JSONValue.parse(json))?.object
}

/// Every key that is taken can be published, and read back as the same key.
func fuzzJWKSet(_ bytes: [UInt8]) {
    if let set = try? JWKSet(parsing: bytes, sha256: anyDigest) {
        require(set.keys.allSatisfy { !$0.algorithm.isSymmetric }, "no oct key is published")
        let published = JWKSet.serialize(set.keys)
        let again = mustTake("our own key set is read") {
            try JWKSet(parsing: published, sha256: anyDigest)
        }
        require(again.keys == set.keys && again.skipped.isEmpty, "keys survive publishing")
        require(Set(set.keys.map(\.keyID)).count == set.keys.count, "key ids differ")
    }
    guard let own = try? JWKSet(parsing: bytes, from: .ownSecret, sha256: anyDigest) else { return }
    require(own.keys.allSatisfy(\.algorithm.isSymmetric), "own secrets are symmetric")
    let text = String(decoding: JWKSet.serialize(own.keys), as: UTF8.self)
    require(text == #"{"keys":[]}"#, "a secret is never published (RFC 7517 §9.2)")
}
