import Bytes

/// Which cluster of relays a node is of: part of a bucket's name and of subjects.
package struct ClusterName: Hashable, Sendable, CustomStringConvertible {
    private let text: ByteText

    /// Nil but for 1 to 32 ASCII letters, digits, `-` and `_`.
    package init?(_ text: String) {
        let isGood = text.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
            default: false
            }
        }
        guard isGood, (1...32).contains(text.utf8.count) else { return nil }
        self.text = ByteText(text)
    }

    package var description: String { text.string }
}

/// Where a NATS server is: `nats://host:port`, or `tls://host:port`.
package struct NATSServer: Hashable, Sendable, CustomStringConvertible {
    private static let usualPort: UInt16 = 4222

    let host: ByteText
    let port: UInt16
    package let isTLS: Bool
    /// What its certificate has to name.
    let certificateName: ByteText

    /// - Throws: `.server`, without the text where it may hold a password.
    package init(_ url: String) throws(NATSFault) {
        let text = ByteText(url)
        guard !text.utf8.contains(UInt8(ascii: "@")) else {
            throw .server("a URL with an @: names and passwords belong into the credentials file")
        }
        isTLS = text.hasPrefix("tls://")
        guard isTLS || text.hasPrefix("nats://") else {
            throw .server("\(url): it begins with neither nats:// nor tls://")
        }
        guard let place = Self.place(text.dropFirst(isTLS ? 6 : 7)) else {
            throw .server("\(url): nats://HOST:PORT is expected")
        }
        (host, port) = place
        certificateName = host
    }

    /// Another server, as this one names it in its INFO (`connect_urls`): by its address, most
    /// often, which no certificate bears. Over TLS it has to prove the name of this one: whoever
    /// stands between can write another into an INFO, and have a certificate for that.
    init?(named text: ByteText, by other: NATSServer) {
        guard let place = Self.place(text) else { return nil }
        (host, port) = place
        isTLS = other.isTLS
        certificateName = other.certificateName
    }

    func isSamePlace(as other: NATSServer) -> Bool { host == other.host && port == other.port }

    private static func place(_ text: ByteText) -> (ByteText, UInt16)? {
        var text = text
        while text.hasSuffix("/") { text = ByteText(text.string.dropLast()) }
        var host = text
        var port: UInt16? = usualPort
        let colon = text.utf8.lastIndex(of: UInt8(ascii: ":"))
        if let colon, !text.hasSuffix("]") {
            host = ByteText(text.string[..<colon])
            port = UInt16(text.string[text.utf8.index(after: colon)...])
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = ByteText(host.string.dropFirst().dropLast())
        } else if host.utf8.contains(UInt8(ascii: ":")) {
            return nil
        }
        let isGood = host.utf8.allSatisfy {
            switch $0 {
            case 0x30...0x3A, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
        guard isGood, !host.isEmpty, let port, port > 0 else { return nil }
        return (host, port)
    }

    /// As it stands in a URL.
    var authority: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    package var description: String { (isTLS ? "tls://" : "nats://") + authority }
}
