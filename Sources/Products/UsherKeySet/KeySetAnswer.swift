import Bytes
import Foundation
import Tokens

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A fetched set as it came, not looked into yet.
package struct KeySetAnswer: Equatable, Sendable {
    package static let bytesMax = KeySetHead.bytesMax

    package let json: [UInt8]
    /// How long it lay in caches on the way (`Age`, RFC 9111 §5.1).
    package let ageSeconds: Int64

    package init(json: [UInt8], ageSeconds: Int64 = 0) {
        self.json = json
        self.ageSeconds = ageSeconds
    }

    /// What is wrong with an answer by its head alone.
    static func fault(in head: HTTPURLResponse) -> KeySetFault? {
        let length = head.expectedContentLength
        let fault = KeySetHead.fault(
            status: head.statusCode,
            contentType: ByteText(head.value(forHTTPHeaderField: "Content-Type") ?? ""),
            length: length < 0 ? nil : length)
        return switch fault {
        case nil: nil
        case .redirected(let status): .redirected(status: status)
        case .status(let status): .status(status)
        case .mediaType(let type): .mediaType(type)
        case .tooLarge: .tooLarge
        }
    }

    static func ageSeconds(of head: HTTPURLResponse) -> Int64 {
        KeySetHead.ageSeconds(head.value(forHTTPHeaderField: "Age").map { ByteText($0) })
    }
}
