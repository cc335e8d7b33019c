import Bytes
import HTTPMessages

/// The issuer as RFC 8414 §2 has it: `http(s)://host[:port][/path]`, no query, no fragment, no
/// user, in the form in which everyone will compare it.
struct IssuerURL {
    let origin: Origin

    init?(_ text: String) {
        let path = text.utf8.dropFirst("https://".utf8.count).drop { $0 != UInt8(ascii: "/") }
        guard let origin = Origin.of(url: text), text.hasPrefix(origin.description),
            path.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"?#@\\\"<>".utf8.contains($0) }),
            !text.utf8.contains(UInt8(ascii: "?")), !text.utf8.contains(UInt8(ascii: "#"))
        else { return nil }
        self.origin = origin
    }

    var isSecure: Bool { origin.scheme == "https" }
    var isLoopback: Bool { origin.isLoopback }
}
