import Bytes

/// What CloudFront does with header fields around a viewer-request function.
enum EdgeHeaders {
    private static let withheld: Set<ByteText> = [
        "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "trailer", "upgrade", "x-amzn-auth", "x-amzn-cf-billing",
        "x-amzn-cf-id", "x-amzn-cf-xff", "x-amzn-errortype", "x-amzn-fle-profile",
        "x-amzn-header-count", "x-amzn-header-order", "x-amzn-lambda-integration-tag",
        "x-amzn-requestid", "x-cache", "x-forwarded-proto", "x-real-ip",
    ]
    private static let withheldPrefixes: [ByteText] = ["x-accel-", "x-amz-cf-", "x-edge-"]

    /// Whether a function never sees this field, and fails with 502 where it sets it.
    static func isWithheld(_ name: ByteText) -> Bool {
        withheld.contains(name) || withheldPrefixes.contains { name.hasPrefix($0) }
    }

    /// Whether there can be but one field of this name.
    static func isSingle(_ name: ByteText) -> Bool {
        switch name {
        case "content-length", "host", "transfer-encoding": true
        default: false
        }
    }

    /// `x-some-name` as `X-Some-Name`, which is what CloudFront writes where `key` is missing.
    static func titleCased(_ name: ByteText) -> ByteText {
        var startsWord = true
        let bytes = name.utf8.map { byte -> UInt8 in
            defer { startsWord = byte == UInt8(ascii: "-") }
            let isLower = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
            return startsWord && isLower ? byte & ~0x20 : byte
        }
        return ByteText(String(decoding: bytes, as: UTF8.self))
    }
}
