/// A block of addresses, IPv4 or IPv6 (RFC 4632 §3.1): `10.0.0.0/8`, `fd00::/8`, or one address.
///
/// IPv4-mapped IPv6 addresses count as the IPv4 ones they hold, on both sides.
package struct CIDR: Hashable, Sendable, CustomStringConvertible {
    private let network: IPAddress
    /// 0 to 128; IPv4 prefixes count from the 96 bits of the mapped form on.
    private let prefixLength: Int

    /// Bits behind the prefix are ignored: `10.1.2.3/8` is `10.0.0.0/8`.
    package init?(_ text: String) {
        let parts = text.utf8.split(
            separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(Substring(first)) else { return nil }
        let isWrittenAsIPv4 = !first.contains(UInt8(ascii: ":"))
        let lengthMax = isWrittenAsIPv4 ? 32 : 128
        var length = lengthMax
        if parts.count == 2 {
            guard let given = Self.length(parts[1]), given <= lengthMax else { return nil }
            length = given
        }
        prefixLength = isWrittenAsIPv4 ? length + 96 : length
        network = IPAddress(bits: address.bits & Self.mask(prefixLength))
    }

    package func contains(_ address: IPAddress) -> Bool {
        address.bits & Self.mask(prefixLength) == network.bits
    }

    /// False for what is no address at all.
    package func contains(_ address: String) -> Bool {
        IPAddress(address).map { contains($0) } ?? false
    }

    package var description: String {
        let isIPv4 = network.isIPv4 && prefixLength >= 96
        return "\(network)/\(isIPv4 ? prefixLength - 96 : prefixLength)"
    }

    private static func length(_ text: Substring.UTF8View) -> Int? {
        guard (1...3).contains(text.count),
            text.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
        else { return nil }
        return Int(Substring(text))
    }

    private static func mask(_ length: Int) -> UInt128 {
        length == 0 ? 0 : ~0 << UInt128(128 - length)
    }
}
