package import Bytes

/// Where AWS's services are.
package enum AWSRegion {
    /// Whether a text may be the name of one: `eu-central-1`, say.
    package static func isName(_ text: ByteText) -> Bool {
        let isPlain = text.utf8.allSatisfy {
            0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 || $0 == UInt8(ascii: "-")
        }
        return isPlain && (1...40).contains(text.count)
    }

    /// The address of a service, by its name in there: `dynamodb`, `{api}.execute-api`.
    package static func address(of service: ByteText, in region: ByteText) -> ByteText {
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        return "https://\(service).\(region).\(domain)"
    }
}
