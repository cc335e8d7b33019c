import Bytes
package import StrictJSON

/// One JSON Web Key (RFC 7517 §4) read into a `PublicKey`.
package enum JWK {
    /// Where a key comes from, and so what it may be.
    package enum Origin: Sendable {
        /// From a published set: public keys only. A secret in it is refused, not skipped.
        case published
        /// From our own configuration: shared secrets only.
        case ownSecret
    }

    /// Reads one key; `sha256` makes the thumbprint of one without `kid`. Of the faults it throws,
    /// some fell a whole set: see `KeyFault.condemnsSet`.
    package static func read(
        _ jwk: JSONObject, from origin: Origin, sha256: ([UInt8]) -> [UInt8]
    ) throws(KeyFault) -> PublicKey {
        if origin == .published {
            for name in privateMembers where jwk[ByteText(name)] != nil {
                throw .privateMember(name)
            }
        }
        let type = try text("kty", of: jwk)
        guard (type == "oct") == (origin == .ownSecret) else {
            throw type == "oct" ? .symmetricKey : .asymmetricKey
        }
        try checkPurpose(of: jwk)
        let material = try material(of: jwk, type: type)
        if let algorithm = try optionalText("alg", of: jwk),
            algorithm != ByteText(material.algorithm.rawValue)
        {
            throw .algorithmMismatch
        }
        return try PublicKey(
            material, keyID: try optionalText("kid", of: jwk)?.string, sha256: sha256)
    }

    /// RFC 7517 §4.2–4.3: `use` and `key_ops` count wherever they are present.
    private static func checkPurpose(of jwk: JSONObject) throws(KeyFault) {
        if let use = try optionalText("use", of: jwk), use != "sig" { throw .wrongUse }
        guard let operations = jwk["key_ops"] else { return }
        guard let list = operations.array, list.allSatisfy({ $0.string != nil }) else {
            throw .malformedMember("key_ops")
        }
        let names = list.compactMap(\.string)
        guard Set(names).count == names.count else { throw .malformedMember("key_ops") }
        guard names.contains("verify") else { throw .wrongOperations }
        if jwk["use"] != nil, !names.allSatisfy({ $0 == "verify" || $0 == "sign" }) {
            throw .wrongOperations
        }
    }

    private static func material(
        of jwk: JSONObject, type: ByteText
    ) throws(KeyFault) -> PublicKey.Material {
        switch type {
        case "EC":
            guard try text("crv", of: jwk) == "P-256" else { throw .unsupported(member: "crv") }
            return .ec(x: try bytes("x", of: jwk), y: try bytes("y", of: jwk))
        case "RSA": return .rsa(n: try bytes("n", of: jwk), e: try bytes("e", of: jwk))
        case "OKP":
            guard try text("crv", of: jwk) == "Ed25519" else { throw .unsupported(member: "crv") }
            return .okp(x: try bytes("x", of: jwk))
        case "oct": return .oct(k: try bytes("k", of: jwk))
        default: throw .unsupported(member: "kty")
        }
    }

    private static func optionalText(
        _ name: String, of jwk: JSONObject
    ) throws(KeyFault) -> ByteText? {
        guard let value = jwk[ByteText(name)] else { return nil }
        guard let text = value.string else { throw .malformedMember(name) }
        return text
    }

    private static func text(_ name: String, of jwk: JSONObject) throws(KeyFault) -> ByteText {
        guard let text = try optionalText(name, of: jwk) else { throw .missingMember(name) }
        return text
    }

    private static func bytes(_ name: String, of jwk: JSONObject) throws(KeyFault) -> [UInt8] {
        guard let bytes = Base64URL.decode(try text(name, of: jwk).string) else {
            throw .malformedMember(name)
        }
        return bytes
    }

    /// RFC 7518 §6.2.2, §6.3.2, §6.4.1 and RFC 8037 §2.
    private static let privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]
}

extension KeyFault {
    /// Whether one such key spoils the set it stands in, instead of being skipped.
    ///
    /// Who publishes secrets, or gives two keys one name, has not understood the set they serve.
    package var condemnsSet: Bool {
        switch self {
        case .privateMember, .symmetricKey, .asymmetricKey, .duplicateKeyID, .badJSON,
            .tooManyKeys:
            true
        default: false
        }
    }
}
