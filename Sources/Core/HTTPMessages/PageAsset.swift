package import Bytes

/// A file of a page, as it is served.
package struct PageAsset: Equatable, Sendable {
    package let contentType: ByteText
    package let bytes: [UInt8]

    package init(contentType: ByteText, bytes: [UInt8]) {
        self.contentType = contentType
        self.bytes = bytes
    }

    package static func html(_ bytes: [UInt8]) -> PageAsset {
        PageAsset(contentType: "text/html; charset=utf-8", bytes: bytes)
    }

    /// What is built names its source map in its last line, which is left out: no map is served.
    package static func script(_ bytes: [UInt8]) -> PageAsset {
        let start = bytes.dropLast().lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let namesMap = bytes[start...].starts(with: "//# sourceMappingURL=".utf8)
        return PageAsset(
            contentType: "text/javascript; charset=utf-8",
            bytes: namesMap ? Array(bytes[..<start]) : bytes)
    }

    package static func style(_ bytes: [UInt8]) -> PageAsset {
        PageAsset(contentType: "text/css; charset=utf-8", bytes: bytes)
    }

    package static func picture(_ bytes: [UInt8]) -> PageAsset {
        PageAsset(contentType: "image/svg+xml", bytes: bytes)
    }

    /// The file, for the page of its own origin alone.
    package func response(policy: ByteText) -> HTTPResponse {
        let headers = HeaderFields([
            ("Content-Type", contentType), ("Cache-Control", "no-store"),
            ("Content-Security-Policy", policy), ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ])
        return HTTPResponse(status: 200, headers: headers, body: bytes)
    }
}
