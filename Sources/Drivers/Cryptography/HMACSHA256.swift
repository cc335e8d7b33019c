import COpenSSL

/// HMAC-SHA-256 (RFC 2104) under a key that is used once. For signatures of requests; tokens go by
/// `MACContext`.
package enum HMACSHA256 {
    static let tagByteCount = 32

    /// 32 bytes.
    package static func tag(_ bytes: [UInt8], secret: [UInt8]) -> [UInt8] {
        OneTimeMAC.tag(bytes, secret: secret, digest: "SHA256", byteCount: tagByteCount)
    }
}

enum OneTimeMAC {
    static func tag(
        _ bytes: [UInt8], secret: [UInt8], digest: String, byteCount: Int
    ) -> [UInt8] {
        var count = 0
        let tag = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { out, filled in
            unsafe EVP_Q_mac(
                nil, "HMAC", nil, digest, nil, secret, secret.count, bytes, bytes.count,
                out.baseAddress, byteCount, &count)
            filled = count
        }
        precondition(tag.count == byteCount, "OpenSSL could not compute a MAC")
        return tag
    }
}
