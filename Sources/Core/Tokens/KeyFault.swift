import StrictJSON

/// Why a key or a key set is not taken. Names the member at fault, never its value.
package enum KeyFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// Not a strict JSON object, or a set longer than allowed.
    case badJSON(String)
    case missingMember(String)
    case malformedMember(String)
    /// `kty`, `crv` or `alg` is none of ours.
    case unsupported(member: String)
    /// `alg` is not the algorithm that the key's type and curve are for.
    case algorithmMismatch
    /// `use` is not `sig`.
    case wrongUse
    /// `key_ops` does not allow to verify, or `use` stands beside a `key_ops` that contradicts it.
    case wrongOperations
    /// A private member in a set from outside: its owner has published a secret (RFC 7517 §9.2).
    case privateMember(String)
    /// A shared secret in a set from outside, or beside public keys.
    case symmetricKey
    /// A public key among shared secrets.
    case asymmetricKey
    case weakModulus(bits: Int)
    case modulusTooLong(bits: Int)
    case badExponent
    /// A modulus from the generator with the ROCA flaw (CVE-2017-15361).
    case rocaModulus
    /// An Ed25519 point of small order, under which signatures prove nothing, or a second spelling
    /// of a point.
    case badPoint
    case shortSecret(byteCount: Int)
    case malformedKeyID
    case duplicateKeyID(String)
    case tooManyKeys(Int)

    /// Stable across releases.
    package var code: String {
        switch self {
        case .badJSON: "key_json"
        case .missingMember: "key_member_missing"
        case .malformedMember: "key_member_malformed"
        case .unsupported: "key_unsupported"
        case .algorithmMismatch: "key_algorithm_mismatch"
        case .wrongUse: "key_use"
        case .wrongOperations: "key_operations"
        case .privateMember: "key_private_member"
        case .symmetricKey: "key_symmetric"
        case .asymmetricKey: "key_asymmetric"
        case .weakModulus: "key_modulus_weak"
        case .modulusTooLong: "key_modulus_too_long"
        case .badExponent: "key_exponent"
        case .rocaModulus: "key_roca"
        case .badPoint: "key_point"
        case .shortSecret: "key_secret_short"
        case .malformedKeyID: "key_id_malformed"
        case .duplicateKeyID: "key_id_duplicate"
        case .tooManyKeys: "key_set_too_large"
        }
    }

    package var description: String {
        switch self {
        case .badJSON(let reason): "the key set is not usable JSON: \(reason)"
        case .missingMember(let name): "the key lacks `\(name)`"
        case .malformedMember(let name): "the key's `\(name)` has the wrong form or length"
        case .unsupported(let name): "the key's `\(name)` names nothing that Usher supports"
        case .algorithmMismatch: "the key's `alg` does not belong to its `kty` and `crv`"
        case .wrongUse: "the key's `use` is not `sig`"
        case .wrongOperations: "the key's `key_ops` does not allow `verify`"
        case .privateMember(let name):
            "the key set publishes the private member `\(name)`: replace that key, all know it now"
        case .symmetricKey: "a shared secret (`kty` oct) may not stand in a public key set"
        case .asymmetricKey: "a public key may not stand among shared secrets"
        case .weakModulus(let bits):
            "the RSA modulus has \(bits) bits, at least \(PublicKey.modulusBitsMin) are needed"
        case .modulusTooLong(let bits):
            "the RSA modulus has \(bits) bits, at most \(PublicKey.modulusBitsMax) are taken"
        case .badExponent: "the RSA exponent must be odd, at least 3 and below 2^32"
        case .rocaModulus: "the RSA key was made by a flawed generator (ROCA, CVE-2017-15361)"
        case .badPoint: "the Ed25519 key is a point of small order or not in its canonical form"
        case .shortSecret(let count):
            "the secret has \(count) bytes, at least \(PublicKey.secretBytesMin) are needed"
        case .malformedKeyID:
            "the key's `kid` must have 1 to \(KeyID.bytesMax) letters, digits or -._~@:+/="
        case .duplicateKeyID: "two keys have the same `kid`"
        case .tooManyKeys(let count):
            "the key set has \(count) keys, at most \(JWKSet.keysMax) are taken"
        }
    }
}
