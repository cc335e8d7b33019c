package import Bytes

/// A web origin (RFC 6454, WHATWG URL): scheme, host and port, as browsers and what embeds them
/// write it.
package struct Origin: Hashable, Sendable, CustomStringConvertible {
    /// What has an address on the web.
    static let webSchemes: [ByteText] = ["https", "http"]
    /// What libraries send that have no page, for the URL which they connect to.
    static let socketSchemes: [ByteText] = ["wss", "ws"]
    /// What pages within an application have: of Capacitor, Ionic and Electron.
    static let appSchemes: [ByteText] = ["capacitor", "ionic", "app"]

    /// Lower case.
    package let scheme: ByteText
    /// Lower case, IPv6 in brackets and in canonical form; of a page within an application as its
    /// application spells it.
    package let host: ByteText
    /// 0 where the scheme has none and none is named.
    package let port: UInt16

    /// As browsers send it: the scheme's own port is left out.
    package var text: ByteText {
        port == Self.defaultPort(scheme) ? "\(scheme)://\(host)" : "\(scheme)://\(host):\(port)"
    }

    package var description: String { text.string }

    /// Whether the host is an IP address, which no page of elsewhere can make its own (DNS
    /// rebinding).
    package var isAddress: Bool { address != nil }

    /// Whether the host is this machine, by the name that browsers trust or by address.
    package var isLoopback: Bool { host == "localhost" || address?.isLoopback == true }

    private var address: IPAddress? {
        IPAddress(
            Substring(host.hasPrefix("[") ? host.utf8.dropFirst().dropLast() : host.utf8[...]))
    }

    /// Whether a request's `Origin`, nil where it has none, is one of those allowed, which are as
    /// `validate` gives them: exactly the same scheme, host and port. No header, `null` and
    /// anything that no browser would send are not.
    package static func isAllowed(origin: ByteText?, allowed: [ByteText]) -> Bool {
        guard let origin, let parsed = try? parse(origin), parsed.text == origin else {
            return false
        }
        return allowed.contains(origin)
    }

    /// Checks an origin to be registered. Returns it as browsers will send it.
    package static func validate(_ text: ByteText) throws(OriginError) -> ByteText {
        try parse(text).text
    }

    /// The origins under which a service at this http or https URL is its own: that of its pages,
    /// and what libraries without a page send for its sockets. Empty for anything else.
    package static func own(url: String) -> [ByteText] {
        guard let origin = of(url: url) else { return [] }
        let scheme: ByteText = origin.scheme == "https" ? "wss" : "ws"
        let socket = Origin(scheme: scheme, host: origin.host, port: origin.port)
        return [origin.text, socket.text]
    }

    /// The origin of an http or https URL, an issuer say; nil for anything else.
    package static func of(url: String) -> Origin? {
        guard let colon = url.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let authority = url.utf8[colon...].dropFirst("://".utf8.count)
        let end = authority.firstIndex { "/?#".utf8.contains($0) } ?? url.endIndex
        return try? parse(ByteText(Substring(url.utf8[..<end])), webSchemes)
    }

    /// What a `Host` field names (RFC 9110 §7.2), as an http origin; nil where it is no host.
    package static func of(host: ByteText) -> Origin? { try? parse("http://\(host)", webSchemes) }

    static func defaultPort(_ scheme: ByteText) -> UInt16 {
        switch scheme {
        case "https", "wss": 443
        case "http", "ws": 80
        default: 0
        }
    }
}

/// Why a text is no origin that can be registered. Names the text, which is no secret.
package enum OriginError: Error, Equatable, Sendable, CustomStringConvertible {
    case unsupportedScheme(ByteText)
    case unwantedPart(ByteText)
    case invalidHost(ByteText)
    case invalidPort(ByteText)

    /// What would have been right.
    package var example: String {
        let good = "https://app.example.org or http://localhost:3000"
        return switch self {
        case .unsupportedScheme: good
        case .unwantedPart: "\(good), with nothing behind it, not even a slash"
        case .invalidHost:
            "\(good), with a DNS name (in its ASCII form, without *) or an IP address"
        case .invalidPort: "\(good), with a port from 1 to 65535"
        }
    }

    package var description: String {
        switch self {
        case .unsupportedScheme(let text):
            "\(text): an origin starts with https:// or http://, or else with wss://, ws://, "
                + "capacitor://, ionic:// or app://"
        case .unwantedPart(let text):
            "\(text): an origin is scheme://host or scheme://host:port, with nothing behind it, "
                + "not even a slash"
        case .invalidHost(let text):
            "\(text): the host must be a DNS name (in its ASCII form, without *) or an IP literal"
        case .invalidPort(let text): "\(text): the port must be 1 to 65535"
        }
    }
}
