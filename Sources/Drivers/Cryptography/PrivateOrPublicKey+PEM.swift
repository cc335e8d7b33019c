import COpenSSL
import Tokens

extension PrivateOrPublicKey {
    static func generate(_ algorithm: SignatureAlgorithm) -> PrivateOrPublicKey? {
        let type =
            switch algorithm {
            case .es256: "EC"
            case .rs256: "RSA"
            case .eddsa, .hs256: "ED25519"
            }
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, type, nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        guard unsafe EVP_PKEY_keygen_init(context) == 1 else { return nil }
        let isPrepared =
            switch algorithm {
            case .es256: unsafe EVP_PKEY_CTX_set_group_name(context, "P-256")
            case .rs256:
                unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(SigningKey.modulusBits))
            case .eddsa, .hs256: Int32(1)
            }
        var pointer: OpaquePointer?
        guard isPrepared == 1, unsafe EVP_PKEY_generate(context, &pointer) == 1,
            let pointer = unsafe pointer
        else { return nil }
        return unsafe PrivateOrPublicKey(taking: pointer)
    }

    /// What a PEM text is to hold.
    enum Half { case privateKey, publicKey }

    static func read(_ half: Half, pem: [UInt8]) -> PrivateOrPublicKey? {
        ERR_set_mark()
        defer { ERR_pop_to_mark() }
        let pointer = unsafe pem.withUnsafeBytes { pem -> OpaquePointer? in
            // Reads from `pem` itself, so both live in this closure.
            let file = unsafe BIO_new_mem_buf(pem.baseAddress, Int32(clamping: pem.count))
            guard let file = unsafe file else { return nil }
            defer { unsafe BIO_free(file) }
            return switch half {
            // Without a callback OpenSSL asks the terminal for a password.
            case .privateKey: unsafe PEM_read_bio_PrivateKey(file, nil, { _, _, _, _ in -1 }, nil)
            case .publicKey: unsafe PEM_read_bio_PUBKEY(file, nil, nil, nil)
            }
        }
        guard let pointer = unsafe pointer else { return nil }
        return unsafe PrivateOrPublicKey(taking: pointer)
    }

    /// PKCS #8, unencrypted.
    borrowing func pem() -> [UInt8]? {
        guard let file = unsafe BIO_new(BIO_s_mem()) else { return nil }
        defer { unsafe BIO_free(file) }
        let written = unsafe PEM_write_bio_PKCS8PrivateKey(file, pointer, nil, nil, 0, nil, nil)
        guard written == 1 else { return nil }
        let pending = Int(unsafe BIO_ctrl_pending(file))
        var pem = unsafe [UInt8](unsafeUninitializedCapacity: pending) { buffer, filled in
            filled = Int(max(0, unsafe BIO_read(file, buffer.baseAddress, Int32(pending))))
        }
        guard pem.count == pending else {
            eraseSecret(&pem)
            return nil
        }
        return pem
    }

    /// The public numbers of a P-256, RSA or Ed25519 key; nil for any other.
    borrowing func publicMaterial() -> PublicKey.Material? {
        if unsafe EVP_PKEY_is_a(pointer, "RSA") == 1 {
            guard let n = number(OSSL_PKEY_PARAM_RSA_N), let e = number(OSSL_PKEY_PARAM_RSA_E)
            else {
                return nil
            }
            return .rsa(n: n, e: e)
        }
        if unsafe EVP_PKEY_is_a(pointer, "ED25519") == 1 { return ed25519Point() }
        guard unsafe EVP_PKEY_is_a(pointer, "EC") == 1, isOnP256(),
            let x = number(OSSL_PKEY_PARAM_EC_PUB_X, padTo: 32),
            let y = number(OSSL_PKEY_PARAM_EC_PUB_Y, padTo: 32)
        else { return nil }
        return .ec(x: x, y: y)
    }

    private borrowing func ed25519Point() -> PublicKey.Material? {
        var count = 32
        let point = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let status = unsafe EVP_PKEY_get_raw_public_key(pointer, buffer.baseAddress, &count)
            filled = status == 1 ? count : 0
        }
        return point.count == 32 ? .okp(x: point) : nil
    }

    private borrowing func isOnP256() -> Bool {
        var name = [CChar](repeating: 0, count: 64)
        let status = unsafe EVP_PKEY_get_group_name(pointer, &name, name.count, nil)
        return status == 1 && name.starts(with: "prime256v1\0".utf8.map { CChar($0) })
    }

    /// A number of the key, big-endian.
    private borrowing func number(_ parameter: String, padTo byteCount: Int = 0) -> [UInt8]? {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(pointer, parameter, &number) == 1 else { return nil }
        defer { unsafe BN_free(number) }
        let count = max((Int(unsafe BN_num_bits(number)) + 7) / 8, byteCount)
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let status = unsafe BN_bn2binpad(number, buffer.baseAddress, Int32(count))
            filled = max(0, Int(status))
        }
    }
}
