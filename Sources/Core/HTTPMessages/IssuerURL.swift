package import Bytes

/// The issuer as RFC 8414 §2 has it: `http(s)://host[:port][/path]`, no query, no fragment, no
/// user, in the form in which everyone will compare it.
package struct IssuerURL: Sendable {
    package let origin: Origin

    package init?(_ text: ByteText) {
        let path = text.utf8.dropFirst("https://".utf8.count).drop { $0 != UInt8(ascii: "/") }
        guard let origin = Origin.of(url: text.string), text.hasPrefix(origin.text),
            path.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"?#@\\\"<>".utf8.contains($0) }),
            !text.utf8.contains(UInt8(ascii: "?")), !text.utf8.contains(UInt8(ascii: "#"))
        else { return nil }
        self.origin = origin
    }

    package var isSecure: Bool { origin.scheme == "https" }
    package var isLoopback: Bool { origin.isLoopback }
}
