import COpenSSL

/// HMAC-SHA-1 (RFC 2104). For the credentials of TURN servers, which ask for it, and nothing else.
package enum HMACSHA1 {
    static let tagByteCount = 20

    /// 20 bytes.
    package static func tag(_ bytes: [UInt8], secret: [UInt8]) -> [UInt8] {
        var count = 0
        let tag = unsafe [UInt8](unsafeUninitializedCapacity: tagByteCount) { out, filled in
            unsafe EVP_Q_mac(
                nil, "HMAC", nil, "SHA1", nil, secret, secret.count, bytes, bytes.count,
                out.baseAddress, tagByteCount, &count)
            filled = count
        }
        precondition(tag.count == tagByteCount, "OpenSSL could not compute a MAC")
        return tag
    }
}
