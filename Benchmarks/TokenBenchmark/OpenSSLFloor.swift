import COpenSSL

/// OpenSSL as one would call it with the key at hand: a context per call, and nothing else.
@safe struct OpenSSLFloor {
    private let key: OpaquePointer
    private let input: [UInt8]
    private let signature: [UInt8]

    /// A fresh P-256 key, and a signature over `input` to verify.
    init(input: [UInt8]) {
        guard let key = unsafe Self.makeKey() else { fatalError("no P-256 key") }
        unsafe self.key = key
        self.input = input
        signature = unsafe Self.signature(of: input, key)
    }

    func sign() { precondition(unsafe !Self.signature(of: input, key).isEmpty) }

    func verify() {
        let context = unsafe EVP_MD_CTX_new()
        defer { unsafe EVP_MD_CTX_free(context) }
        unsafe EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key)
        let result = unsafe EVP_DigestVerify(
            context, signature, signature.count, input, input.count)
        precondition(result == 1)
    }

    private static func signature(of input: [UInt8], _ key: OpaquePointer) -> [UInt8] {
        let context = unsafe EVP_MD_CTX_new()
        defer { unsafe EVP_MD_CTX_free(context) }
        unsafe EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key)
        var length = 80
        var signature = [UInt8](repeating: 0, count: length)
        let result = unsafe EVP_DigestSign(context, &signature, &length, input, input.count)
        return result == 1 ? Array(signature[..<length]) : []
    }

    private static func makeKey() -> OpaquePointer? {
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_keygen_init(context) == 1,
            unsafe EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
            unsafe EVP_PKEY_generate(context, &key) == 1
        else { return nil }
        return unsafe key
    }
}
