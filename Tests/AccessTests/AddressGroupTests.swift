import Access
import Testing

@Suite struct AddressGroupTests {
    @Test(
        "The real address behind a proxy counts, and of IPv6 its first 64 bits",
        arguments: [
            ("192.0.2.1", "192.0.2.2", false), ("2001:db8::1", "2001:db8::ffff:2", true),
            ("2001:db8::1", "2001:db8:0:1::1", false), ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("", "unix:", true), ("", "192.0.2.1", false),
        ])
    func addresses(one: String, other: String, areSame: Bool) {
        #expect((AddressGroup(one) == AddressGroup(other)) == areSame)
    }
}
