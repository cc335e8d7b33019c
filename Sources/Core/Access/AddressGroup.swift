package import HTTPMessages

/// Where a request comes from, as limits see it: `IPAddress.group`, so that nobody has more than
/// one budget. Whatever is no IP literal is one group.
package struct AddressGroup: Hashable, Sendable {
    private let group: IPAddress

    package init(_ address: IPAddress) { group = address.group }

    /// An address of the group.
    package var text: String { group.description }

    package init(_ text: String) { self.init(IPAddress(text) ?? IPAddress(bits: 0)) }
}
