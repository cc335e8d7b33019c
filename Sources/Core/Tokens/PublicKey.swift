import Bytes
package import StrictJSON

/// A key that signatures are verified with, bound to one algorithm (RFC 8725 §3.1).
///
/// Holding one means that its numbers have passed every check that needs no curve arithmetic;
/// whether an EC point lies on its curve is found out by `VerifyingKey`. With the material `oct` it
/// is a shared secret, which `jwk` and `description` leave out.
package struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    /// Big-endian bytes.
    package enum Material: Hashable, Sendable {
        /// Affine coordinates on P-256, 32 bytes each.
        case ec(x: [UInt8], y: [UInt8])
        /// Modulus and exponent without leading zeros.
        case rsa(n: [UInt8], e: [UInt8])
        /// An Ed25519 point, 32 bytes.
        case okp(x: [UInt8])
        /// A shared secret.
        case oct(k: [UInt8])
    }

    package static let modulusBitsMin = 2048
    /// Verifying costs the square of the length, and the key may come from elsewhere.
    package static let modulusBitsMax = 8192
    package static let secretBytesMin = 32

    package let algorithm: SignatureAlgorithm
    package let material: Material
    /// What tokens name the key by: its RFC 7638 thumbprint unless something else was given.
    package let keyID: String

    /// Checks lengths and numbers, and takes the thumbprint where `keyID` is nil. `sha256` is asked
    /// for because Core has no digests of its own.
    package init(
        _ material: Material, keyID: String? = nil, sha256: ([UInt8]) -> [UInt8]
    ) throws(KeyFault) {
        try material.check()
        self.material = material
        algorithm = material.algorithm
        if let keyID {
            guard KeyID.isValid(keyID) else { throw .malformedKeyID }
            self.keyID = keyID
        } else {
            self.keyID = material.thumbprint(sha256: sha256)
        }
    }

    package var description: String { "PublicKey(\(algorithm.rawValue), \(keyID))" }

    /// The key as published in a key set (RFC 7517 §4). Of a shared secret, everything but the
    /// secret.
    package var jwk: JSONValue {
        var jwk = material.requiredMembers
        jwk["kid"] = .string(keyID)
        jwk["alg"] = .string(algorithm.rawValue)
        jwk["use"] = "sig"
        return .object(jwk)
    }

    /// The RFC 7638 thumbprint with SHA-256, in base64url, whatever `keyID` is.
    package func thumbprint(sha256: ([UInt8]) -> [UInt8]) -> String {
        material.thumbprint(sha256: sha256)
    }
}

extension PublicKey.Material {
    package var algorithm: SignatureAlgorithm {
        switch self {
        case .ec: .es256
        case .rsa: .rs256
        case .okp: .eddsa
        case .oct: .hs256
        }
    }

    /// The public members that a thumbprint covers, in their lexicographic order (RFC 7638 §3.2).
    fileprivate var requiredMembers: JSONObject {
        switch self {
        case .ec(let x, let y):
            ["crv": "P-256", "kty": "EC", "x": Self.text(x), "y": Self.text(y)]
        case .rsa(let n, let e): ["e": Self.text(e), "kty": "RSA", "n": Self.text(n)]
        case .okp(let x): ["crv": "Ed25519", "kty": "OKP", "x": Self.text(x)]
        case .oct: ["kty": "oct"]
        }
    }

    fileprivate func thumbprint(sha256: ([UInt8]) -> [UInt8]) -> String {
        var members = requiredMembers
        if case .oct(let k) = self { members = ["k": Self.text(k), "kty": "oct"] }
        return Base64URL.encode(sha256(JSONValue.object(members).serialized()))
    }

    private static func text(_ bytes: [UInt8]) -> JSONValue { .string(Base64URL.encode(bytes)) }
}
