internal import Bytes
internal import HTTPMessages

/// What counts as one address for the limits: an IPv4 address, or an IPv6 /64, which is the least
/// that one customer is given (RFC 6177 §2), so that nobody has more than one budget.
enum AddressKey: Hashable, Sendable {
    case ip(UInt128)
    /// What is no IP literal.
    case other(ByteText)

    init(_ text: String) {
        guard let address = IPAddress(text) else {
            self = .other(ByteText(text))
            return
        }
        self = .ip(address.group.bits)
    }

    /// Makes the same key again.
    var text: String {
        switch self {
        case .ip(let bits): IPAddress(bits: bits).description
        case .other(let text): text.string
        }
    }
}
