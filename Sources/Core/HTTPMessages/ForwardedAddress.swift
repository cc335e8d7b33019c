import Bytes

/// Who a request really comes from, where proxies stand in front.
package enum ForwardedAddress {
    /// Reads `X-Forwarded-For` and `X-Forwarded-Proto`, which count only where the peer is one of
    /// the trusted proxies.
    ///
    /// The list of addresses is walked from its right end, where the nearest proxy wrote, and the
    /// first that is no trusted proxy is the client: whatever stands further left, the client may
    /// have written itself. An entry that is no address ends the walk at the last good one. Of
    /// the protocols the rightmost counts, which is what the nearest proxy vouches for. Returns
    /// the address in canonical text, and whether the client's own hop is TLS.
    package static func resolve(
        peer: String, headers: HeaderFields, trusted: [CIDR]
    ) -> (clientAddress: String, isSecure: Bool) {
        guard !trusted.isEmpty, let peerAddress = IPAddress(peer),
            trusted.contains(where: { $0.contains(peerAddress) })
        else { return (peer, false) }
        var client = peerAddress
        for entry in entries("X-Forwarded-For", headers).reversed() {
            guard let address = address(entry) else { break }
            client = address
            guard trusted.contains(where: { $0.contains(address) }) else { break }
        }
        let scheme = entries("X-Forwarded-Proto", headers).last ?? ""
        return (client.description, scheme.equalsIgnoringCase("https"))
    }

    private static func entries(_ name: ByteText, _ headers: HeaderFields) -> [ByteText] {
        headers.values(name).flatMap { value in
            value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
                .map(FieldGrammar.trimmed)
        }
    }

    /// An entry is an address; some proxies add a port, and brackets around IPv6.
    private static func address(_ entry: ByteText) -> IPAddress? {
        let (bytes, colon) = (entry.utf8, UInt8(ascii: ":"))
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let rest = bytes[bytes.index(after: end)...]
            guard rest.isEmpty || rest.first == colon && isPort(rest.dropFirst()) else {
                return nil
            }
            return IPAddress(Substring(bytes[..<end].dropFirst()))
        }
        let parts = bytes.split(separator: colon, omittingEmptySubsequences: false)
        if parts.count == 2, isPort(parts[1]) { return IPAddress(Substring(parts[0])) }
        return IPAddress(entry.string)
    }

    private static func isPort(_ bytes: Substring.UTF8View) -> Bool {
        (1...5).contains(bytes.count) && bytes.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }
}
