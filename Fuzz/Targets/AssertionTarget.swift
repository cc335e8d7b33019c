import Bytes
import HTTPMessages
import Identifiers
import StrictJSON
import Tokens

extension FuzzTarget {
    static let clientAssertion = FuzzTarget(
        check: fuzzClientAssertion,
        work: { bytes in
            let body = form(assertion(bytes))
            return { _ = OAuthBench().post(body) }
        },
        benign: {
            repeating(
                #""word","#, between: #"{"alg":"EdDSA","list":["#, and: #""end"]}"#,
                count: $0.count)
        })
}

/// A client assertion in compact form, or its header and its claims on two lines (RFC 7523).
///
/// Every signature counts as good, so that what is taken or refused is for what it says alone.
func fuzzClientAssertion(_ bytes: [UInt8]) {
    let compact = assertion(bytes)
    let bench = OAuthBench()
    let body = form(compact)
    guard bench.post(body).status == 200 else {
        require(bench.done.issued.isEmpty, "no token comes of an assertion that is refused")
        return
    }
    let deeds = bench.done
    require(deeds.checkedKeys.count == 1, "one key is tried, and no other")
    guard let key = deeds.checkedKeys.first, OAuthBench.keys.contains(key) else {
        fatalError("the key is one of the client's")
    }
    let parts = mustTake("it has three parts") { try CompactJWS(splitting: compact.span) }
    checkHeader(object(.header, parts.header, compact), key)
    checkClaims(object(.payload, parts.payload, compact), deeds.marked)
    require(bench.post(body).status == 401, "an assertion is good once (RFC 7523 §3)")
}

private func assertion(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.first == UInt8(ascii: "{") else { return bytes }
    let lines = bytes.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
    let parts = [Array(lines[0]), lines.count == 2 ? Array(lines[1]) : [], Array("any".utf8)]
    return Array(parts.map { Base64URL.encode($0) }.joined(separator: ".").utf8)
}

private func form(_ assertion: [UInt8]) -> [UInt8] {
    let text = String(decoding: assertion, as: UTF8.self)
    let type = formEncoded(OAuthBench.assertionType)
    return Array(
        """
        grant_type=client_credentials&client_assertion_type=\(type)\
        &client_assertion=\(formEncoded(text))
        """.utf8)
}

private func object(
    _ part: TokenFault.Part, _ range: Range<Int>, _ compact: [UInt8]
) -> JSONObject {
    let json = mustTake("a part is base64url") {
        try CompactJWS.decode(part, range, of: compact.span)
    }
    let value = mustTake("a part is strict JSON") { try JSONValue.parse(json) }
    guard let object = value.object else { fatalError("a part is an object") }
    return object
}

private func checkHeader(_ header: JSONObject, _ key: PublicKey) {
    require(
        header["alg"]?.string == ByteText(key.algorithm.rawValue),
        "alg is the key's (RFC 8725 §3.1)")
    require(!key.algorithm.isSymmetric, "no assertion has a MAC")
    require(header["crit"] == nil && header["b64"] == nil, "nothing is passed over")
    if let keyID = header["kid"] {
        require(keyID.string == ByteText(key.keyID), "kid names the key")
    } else {
        let likely = OAuthBench.keys.filter { $0.algorithm == key.algorithm }
        require(likely.count == 1, "without kid there is one key that may be meant")
    }
}

private func checkClaims(_ claims: JSONObject, _ marked: [String: Int64]) {
    for name in ["iss", "sub"] {
        let isOurs = claims[ByteText(name)]?.string == OAuthBench.clientID.text
        require(isOurs, "iss and sub are the client (RFC 7523 §3)")
    }
    let audience = claims["aud"]?.array ?? [claims["aud"] ?? .null]
    require(audience == [.string(OAuthBench.issuer)], "aud is the issuer alone (CVE-2025-27370)")
    guard let end = claims["exp"]?.double, let id = claims["jti"]?.string?.string else {
        fatalError("exp and jti are there")
    }
    let now = Double(OAuthBench.now)
    require(end > now - 30 && end < now + 331, "it ends within its longest life")
    for name in ["nbf", "iat"] where claims[ByteText(name)] != nil {
        require(claims[ByteText(name)]?.double.map { $0 <= now + 30 } == true, "\(name) has come")
    }
    require(marked.count == 1 && marked.keys.allSatisfy { $0.hasSuffix(id) }, "jti is used up")
    require(
        marked.values.allSatisfy { Double($0) + 1 > end + 30 },
        "it is remembered for as long as it would pass")
}
