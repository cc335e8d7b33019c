import COpenSSL
import Tokens

/// An OpenSSL key. Owns the `EVP_PKEY`, freed by `deinit`.
@safe struct PrivateOrPublicKey: ~Copyable {
    let pointer: OpaquePointer

    init(taking pointer: OpaquePointer) { unsafe self.pointer = pointer }
    deinit { unsafe EVP_PKEY_free(pointer) }

    /// The longest signature OpenSSL makes with it; for RSA the only length (RFC 8017 §8.2.2).
    var signatureBytesMax: Int { Int(unsafe EVP_PKEY_get_size(pointer)) }

    /// Nil where the numbers are no key: a point that is not on the curve, say.
    static func make(_ material: PublicKey.Material) -> PrivateOrPublicKey? {
        let pointer =
            switch material {
            case .ec(let x, let y): unsafe makeP256(uncompressedPoint: [4] + x + y)
            case .rsa(let n, let e): unsafe makeRSA(modulus: n, exponent: e)
            case .okp(let x):
                unsafe EVP_PKEY_new_raw_public_key_ex(nil, "ED25519", nil, x, x.count)
            case .oct: unsafe OpaquePointer?.none
            }
        guard let pointer = unsafe pointer else { return nil }
        let key = unsafe PrivateOrPublicKey(taking: pointer)
        guard case .ec = material else { return key }
        guard key.passesPublicCheck() else { return nil }
        return key
    }

    private borrowing func passesPublicCheck() -> Bool {
        guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, pointer, nil) else {
            return false
        }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        return unsafe EVP_PKEY_public_check(context) == 1
    }

    private static func makeP256(uncompressedPoint: [UInt8]) -> OpaquePointer? {
        var group = Array("P-256".utf8CString)
        var point = uncompressedPoint
        return unsafe group.withUnsafeMutableBufferPointer { group in
            unsafe point.withUnsafeMutableBytes { point in
                unsafe make(
                    type: "EC",
                    [
                        usherGroupParameter(group.baseAddress),
                        usherPointParameter(point.baseAddress, point.count),
                        OSSL_PARAM_construct_end(),
                    ])
            }
        }
    }

    private static func makeRSA(modulus: [UInt8], exponent: [UInt8]) -> OpaquePointer? {
        // OSSL_PARAM wants numbers in the machine's order, which is little-endian wherever we run.
        var modulus = Array(modulus.reversed())
        var exponent = Array(exponent.reversed())
        return unsafe modulus.withUnsafeMutableBufferPointer { n in
            unsafe exponent.withUnsafeMutableBufferPointer { e in
                unsafe make(
                    type: "RSA",
                    [
                        usherModulusParameter(n.baseAddress, n.count),
                        usherExponentParameter(e.baseAddress, e.count),
                        OSSL_PARAM_construct_end(),
                    ])
            }
        }
    }

    private static func make(type: String, _ parameters: [OSSL_PARAM]) -> OpaquePointer? {
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, type, nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        guard unsafe EVP_PKEY_fromdata_init(context) == 1 else { return nil }
        var parameters = unsafe parameters
        var pointer: OpaquePointer?
        let status = unsafe EVP_PKEY_fromdata(
            context, &pointer, usherPublicKeySelection, &parameters)
        return unsafe status == 1 ? pointer : nil
    }
}
