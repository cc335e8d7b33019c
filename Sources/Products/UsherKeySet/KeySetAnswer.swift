import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A fetched set as it came, not looked into yet.
package struct KeySetAnswer: Equatable, Sendable {
    package static let bytesMax = 65_536

    package let json: [UInt8]
    /// How long it lay in caches on the way (`Age`, RFC 9111 §5.1).
    package let ageSeconds: Int64

    package init(json: [UInt8], ageSeconds: Int64 = 0) {
        self.json = json
        self.ageSeconds = ageSeconds
    }

    /// What is wrong with an answer by its head alone.
    static func fault(in head: HTTPURLResponse) -> KeySetFault? {
        if (300...399).contains(head.statusCode) { return .redirected(status: head.statusCode) }
        guard head.statusCode == 200 else { return .status(head.statusCode) }
        let field = head.value(forHTTPHeaderField: "Content-Type") ?? ""
        let type = field.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
        guard type == "application/jwk-set+json" || type == "application/json" else {
            return .mediaType(String(type.prefix(80).filter { $0.isASCII && !$0.isNewline }))
        }
        return head.expectedContentLength > bytesMax ? .tooLarge : nil
    }

    static func ageSeconds(of head: HTTPURLResponse) -> Int64 {
        max(0, head.value(forHTTPHeaderField: "Age").flatMap { Int64($0) } ?? 0)
    }
}
