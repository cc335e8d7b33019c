import Bytes
import HTTPMessages
import Testing

@Suite struct AddressTests {
    @Test(
        "Addresses read and write in canonical form (RFC 5952 §4)",
        arguments: [
            ("1.2.3.4", "1.2.3.4"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
            ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::0:1", "2001:db8::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
            ("0:0:0:0:0:0:0:0", "::"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("::ffff:1.2.3.4", "1.2.3.4"), ("::FFFF:102:304", "1.2.3.4"),
            ("64:ff9b::1.2.3.4", "64:ff9b::102:304"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ])
    func canonical(text: String, expected: String) {
        #expect(IPAddress(text)?.description == expected)
    }

    @Test(
        "What is no address is none",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.-4", "1.2.3.4 ",
            "a.b.c.d", "1..2.3", ".1.2.3", "1.2.3.", "1.2.3.00",
            ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::12345", "::g", "::+1",
            "::1%lo", "[::1]", "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "1:",
            ":1",
            "localhost", "1:2:3:4:5:6:7:1.2.3.4",
        ])
    func noAddress(text: String) { #expect(IPAddress(text) == nil) }

    @Test("An IPv6 /64 counts as one address for limits, and an IPv4 address as itself")
    func group() {
        func group(_ text: String) -> IPAddress? { IPAddress(text)?.group }
        #expect(group("2001:db8::1") == group("2001:db8:0:0:ffff::2"))
        #expect(group("2001:db8::1") != group("2001:db8:0:1::1"))
        #expect(group("::ffff:192.0.2.1") == group("192.0.2.1"))
        #expect(group("192.0.2.1") != group("192.0.2.2"))
    }

    @Test("Every address reads back what it writes")
    func roundTrip() {
        var state: UInt128 = 1
        for turn in 0..<2000 {
            state = state &* 0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645 &+ 0x5851_F42D_4C95_7F2D
            let mask = turn % 2 == 0 ? ~0 : UInt128(0xFFFF_0000_FFFF_0000) << 64 | 0xFFFF
            let address = IPAddress(bits: state & mask)
            #expect(IPAddress(address.description) == address)
        }
    }

    @Test(
        "A block contains its own addresses and no others (RFC 4632 §3.1)",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false),
            ("10.1.2.3/8", "10.9.9.9", true), ("1.2.3.4", "1.2.3.4", true),
            ("1.2.3.4/32", "1.2.3.5", false), ("0.0.0.0/0", "9.9.9.9", true),
            ("0.0.0.0/0", "::1", false), ("::/0", "::1", true), ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false), ("::1/128", "::1", true), ("::1", "::2", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true), ("::ffff:10.0.0.0/104", "10.2.2.2", true),
            ("192.168.1.128/25", "192.168.1.127", false), ("10.0.0.0/8", "nonsense", false),
            ("10.0.0.0/9", "10.127.255.255", true), ("10.0.0.0/9", "10.128.0.0", false),
        ])
    func blocks(block: String, address: String, isInside: Bool) throws {
        #expect(try #require(CIDR(block)).contains(address) == isInside)
    }

    @Test(
        "What is no block is none",
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0/8",
            "::/129",
            "10.0.0.0/ 8", "10.0.0.0/+8", "example.com/8",
        ])
    func noBlock(text: String) { #expect(CIDR(text) == nil) }

    @Test("A block writes itself with its host bits cleared")
    func blockText() {
        #expect(CIDR("10.1.2.3/8")?.description == "10.0.0.0/8")
        #expect(CIDR("2001:db8::1/32")?.description == "2001:db8::/32")
        #expect(CIDR("::/0")?.description == "::/0")
        #expect(CIDR("1.2.3.4")?.description == "1.2.3.4/32")
    }
}

@Suite struct ForwardedAddressTests {
    private let trusted = ["10.0.0.0/8", "fd00::/8"].compactMap { CIDR($0) }

    private func client(_ peer: String, _ forwarded: String...) -> String {
        let headers = HeaderFields(forwarded.map { ("X-Forwarded-For", ByteText($0)) })
        return ForwardedAddress.resolve(peer: peer, headers: headers, trusted: trusted)
            .clientAddress
    }

    @Test("An untrusted peer is the client, whatever it says")
    func untrustedPeer() {
        #expect(client("192.0.2.1", "1.1.1.1") == "192.0.2.1")
        let headers = HeaderFields([("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-Proto", "https")])
        let resolved = ForwardedAddress.resolve(peer: "10.0.0.1", headers: headers, trusted: [])
        #expect(resolved == ("10.0.0.1", false))
    }

    @Test("Behind trusted proxies the rightmost untrusted address is the client")
    func rightmostUntrusted() {
        #expect(client("10.0.0.1", "203.0.113.9") == "203.0.113.9")
        #expect(client("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2") == "203.0.113.9")
        #expect(client("10.0.0.1", "6.6.6.6", "203.0.113.9,10.0.0.3", "fd00::1") == "203.0.113.9")
        #expect(client("10.0.0.1", "10.0.0.2, 10.0.0.3") == "10.0.0.2")
        #expect(client("10.0.0.1") == "10.0.0.1")
        #expect(client("::ffff:10.0.0.1", "2001:DB8::0:9") == "2001:db8::9")
    }

    @Test("An entry that is no address ends the walk at the last good one")
    func oddEntries() {
        #expect(client("10.0.0.1", "1.1.1.1, unknown, 10.0.0.2") == "10.0.0.2")
        #expect(client("10.0.0.1", "1.1.1.1,") == "10.0.0.1")
        #expect(client("10.0.0.1", "1.1.1.1:99999999") == "10.0.0.1")
    }

    @Test("Ports and brackets around an entry's address are put up with")
    func portsAndBrackets() {
        #expect(client("10.0.0.1", "203.0.113.9:4711") == "203.0.113.9")
        #expect(client("10.0.0.1", "[2001:db8::9]:4711") == "2001:db8::9")
        #expect(client("10.0.0.1", "[2001:db8::9]") == "2001:db8::9")
        #expect(client("10.0.0.1", "[2001:db8::9]x") == "10.0.0.1")
    }

    @Test(
        "Of the protocols the nearest proxy's counts",
        arguments: [
            (["https"], true), (["HTTPS"], true), (["http"], false), (["https, http"], false),
            (["http, https"], true), (["http", "https"], true), (["https,"], false), ([], false),
        ])
    func protocols(fields: [String], isSecure: Bool) {
        let headers = HeaderFields(fields.map { ("X-Forwarded-Proto", ByteText($0)) })
        let resolved = ForwardedAddress.resolve(
            peer: "10.0.0.1", headers: headers, trusted: trusted)
        #expect(resolved.isSecure == isSecure)
    }
}
