/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) *is* the IPv4
/// address here, so that one client has one address whatever socket it came in by.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The sixteen bytes as one number; IPv4 as `::ffff:a.b.c.d`.
    package let bits: UInt128

    private static let mappedPrefix: UInt128 = 0xFFFF << 32

    package var isIPv4: Bool { bits >> 32 == 0xFFFF }

    /// 127.0.0.0/8 or ::1: within this machine.
    package var isLoopback: Bool { isIPv4 ? bits >> 24 & 0xFF == 127 : bits == 1 }

    /// What counts as one address for limits: an IPv4 address, or an IPv6 /64, which is the least
    /// that one customer is given (RFC 6177 §2).
    package var group: IPAddress { isIPv4 ? self : IPAddress(bits: (bits >> 64) << 64) }

    package init(bits: UInt128) { self.bits = bits }

    package init(ipv4: UInt32) { bits = Self.mappedPrefix | UInt128(ipv4) }

    /// Reads a literal: dotted decimal without leading zeros, or RFC 4291 §2.2, without brackets
    /// and without a zone.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        if bytes.contains(UInt8(ascii: ":")) {
            guard let bits = IPAddressReader.ipv6(bytes) else { return nil }
            self.init(bits: bits)
        } else {
            guard let ipv4 = IPAddressReader.ipv4(bytes[...]) else { return nil }
            self.init(ipv4: ipv4)
        }
    }

    /// The canonical text (RFC 5952): lower case, the longest run of zeros shortened.
    package var description: String {
        if isIPv4 {
            let ipv4 = UInt32(truncatingIfNeeded: bits)
            return "\(ipv4 >> 24).\(ipv4 >> 16 & 0xFF).\(ipv4 >> 8 & 0xFF).\(ipv4 & 0xFF)"
        }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> UInt128(112 - 16 * $0)) }
        let run = Self.longestZeroRun(groups)
        func text(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard run.count > 1 else { return text(0..<8) }
        return text(0..<run.lowerBound) + "::" + text(run.upperBound..<8)
    }

    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
        var (best, start) = (0..<0, 0)
        for index in 0...groups.count where index == groups.count || groups[index] != 0 {
            if index - start > best.count { best = start..<index }
            start = index + 1
        }
        return best
    }
}

private enum IPAddressReader {
    static func ipv4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        var (address, part): (UInt32, UInt32) = (0, 0)
        var (dots, digits) = (0, 0)
        for byte in bytes {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, dots < 3 else { return nil }
                address = address << 8 | part
                (part, digits) = (0, 0)
                dots += 1
            } else {
                guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"),
                    digits == 0 || part > 0  // No leading zero.
                else { return nil }
                part = part * 10 + UInt32(byte - UInt8(ascii: "0"))
                digits += 1
                guard part <= 255 else { return nil }
            }
        }
        return dots == 3 && digits > 0 ? address << 8 | part : nil
    }

    static func ipv6(_ bytes: [UInt8]) -> UInt128? {
        guard bytes.count <= 45 else { return nil }
        guard let gap = gap(in: bytes) else {
            guard let all = groups(bytes[...], mayEndInIPv4: true), all.count == 8 else {
                return nil
            }
            return number(all)
        }
        guard let head = groups(bytes[..<gap], mayEndInIPv4: false),
            let tail = groups(bytes[(gap + 2)...], mayEndInIPv4: true),
            head.count + tail.count < 8
        else { return nil }
        let zeros = [UInt16](repeating: 0, count: 8 - head.count - tail.count)
        return number(head + zeros + tail)
    }

    /// Where `::` stands; a second one fails later, as an empty group.
    private static func gap(in bytes: [UInt8]) -> Int? {
        let colon = UInt8(ascii: ":")
        return bytes.indices.dropLast().first { bytes[$0] == colon && bytes[$0 + 1] == colon }
    }

    private static func groups(_ bytes: ArraySlice<UInt8>, mayEndInIPv4: Bool) -> [UInt16]? {
        guard !bytes.isEmpty else { return [] }
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if mayEndInIPv4, index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let ipv4 = ipv4(part) else { return nil }
                groups += [UInt16(ipv4 >> 16), UInt16(truncatingIfNeeded: ipv4)]
            } else {
                let text = String(decoding: part, as: UTF8.self)
                guard (1...4).contains(part.count), part.first != UInt8(ascii: "+"),
                    part.first != UInt8(ascii: "-"), let group = UInt16(text, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups.count <= 8 ? groups : nil
    }

    private static func number(_ groups: [UInt16]) -> UInt128 {
        groups.reduce(0) { $0 << 16 | UInt128($1) }
    }
}
