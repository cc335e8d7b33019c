import CMicrohttpd
import Glibc
import HTTPMessages

/// Between `IPAddress` and the kernel's `sockaddr`.
enum SocketAddress {
    /// Binds; the result is that of `bind(2)`.
    static func bind(
        _ descriptor: Int32, _ address: IPAddress, isIPv4: Bool, port: UInt16
    ) -> Int32 {
        if isIPv4 {
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.bits).bigEndian
            return bind(descriptor, to: name)
        }
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = port.bigEndian
        unsafe withUnsafeMutableBytes(of: &name.sin6_addr) { bytes in
            unsafe bytes.storeBytes(of: address.bits.bigEndian, as: UInt128.self)
        }
        return bind(descriptor, to: name)
    }

    /// The port that a socket is bound to.
    static func port(of descriptor: Int32) -> UInt16? {
        var name = sockaddr_in6()  // Large enough for both; the port stands at one place in them.
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let status = unsafe withUnsafeMutableBytes(of: &name) { bytes in
            unsafe getsockname(
                descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
        }
        return status == 0 ? UInt16(bigEndian: name.sin6_port) : nil
    }

    /// The address of a peer as `accept` gave it; nil where it is of no IP family.
    static func address(_ name: inout sockaddr_storage) -> IPAddress? {
        let family = Int32(name.ss_family)
        return unsafe withUnsafeBytes(of: &name) { bytes in
            switch family {
            case AF_INET:
                let ipv4 = unsafe bytes.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr
                return IPAddress(ipv4: UInt32(bigEndian: ipv4))
            case AF_INET6:
                let offset = MemoryLayout<sockaddr_in6>.offset(of: \sockaddr_in6.sin6_addr) ?? 0
                let bits = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt128.self)
                return IPAddress(bits: UInt128(bigEndian: bits))
            default: return nil
            }
        }
    }

    /// Closes with a reset: nothing is sent first, and the kernel keeps nothing of it.
    static func reset(_ descriptor: Int32) {
        var atOnce = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
        close(descriptor)
    }

    /// The address as text; IPv4-mapped IPv6 as IPv4. Empty where it is of no IP family.
    static func text(_ address: UnsafePointer<sockaddr>?) -> String {
        guard let address = unsafe address else { return "" }
        let raw = unsafe UnsafeRawPointer(address)
        switch unsafe Int32(address.pointee.sa_family) {
        case AF_INET:
            let ipv4 = unsafe raw.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr
            return text(ipv4: UInt32(bigEndian: ipv4))
        case AF_INET6:
            let ipv6 = unsafe raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            let bits = unsafe withUnsafeBytes(of: ipv6) { bytes in
                unsafe bytes.loadUnaligned(as: UInt128.self)
            }
            return IPAddress(bits: UInt128(bigEndian: bits)).description
        default: return ""
        }
    }

    /// As `IPAddress` writes it, without its detours: this runs for every request.
    private static func text(ipv4: UInt32) -> String {
        unsafe String(unsafeUninitializedCapacity: 15) { out in
            var count = 0
            func put(_ byte: UInt8) {
                unsafe out[count] = byte
                count += 1
            }
            for part in 0..<4 {
                if part > 0 { put(UInt8(ascii: ".")) }
                let value = UInt8(truncatingIfNeeded: ipv4 >> UInt32(24 - 8 * part))
                if value >= 100 { put(0x30 + value / 100) }
                if value >= 10 { put(0x30 + value / 10 % 10) }
                put(0x30 + value % 10)
            }
            return count
        }
    }

    private static func bind<Name>(_ descriptor: Int32, to name: Name) -> Int32 {
        unsafe withUnsafeBytes(of: name) { bytes in
            unsafe Glibc.bind(
                descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                socklen_t(bytes.count))
        }
    }
}
