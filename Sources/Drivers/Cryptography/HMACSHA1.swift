/// HMAC-SHA-1 (RFC 2104). For the credentials of TURN servers, which ask for it, and nothing else.
package enum HMACSHA1 {
    static let tagByteCount = 20

    /// 20 bytes.
    package static func tag(_ bytes: [UInt8], secret: [UInt8]) -> [UInt8] {
        OneTimeMAC.tag(bytes, secret: secret, digest: "SHA1", byteCount: tagByteCount)
    }
}
