import CEpoll
import Glibc
import Threads

/// Where a connection may go: an address with its port, as the kernel takes it.
@safe struct PeerAddress: Sendable {
    private let bytes: [UInt8]
    let family: Int32

    init(_ address: UnsafePointer<sockaddr>, count: socklen_t) {
        unsafe bytes = Array(UnsafeRawBufferPointer(start: address, count: Int(count)))
        family = Int32(unsafe address.pointee.sa_family)
    }

    /// As connect(2).
    func connect(_ descriptor: Int32) -> Int32 {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return -1 }
            return unsafe Glibc.connect(
                descriptor, start.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
    }
}

/// Why a name has no address.
enum LookupFault: Error, Equatable {
    case timedOut
    case failed(String)
}

/// getaddrinfo(3), which knows no time limit.
package enum NameLookup {
    /// The resolver gives up sooner or later, and so do the threads that were left to it.
    static let countMax = 8
    private static let addressesMax = 16
    private static let errands = Errands(named: "usher-lookup", countMax: countMax)

    /// - Parameters:
    ///   - host: A name, or an address without brackets.
    ///   - port: The port that the addresses are to bear.
    ///   - deadline: When to give up.
    /// - Returns: At least one address, the best first.
    /// - Throws: Where there is none, or none in time.
    static func addresses(
        of host: String, port: UInt16, deadline: Deadline
    ) throws(LookupFault) -> [PeerAddress] {
        // An address takes no time.
        if case .success(let found) = resolve(host, port, flags: AI_NUMERICHOST) { return found }
        let found: Result<[PeerAddress], LookupFault>?
        do throws(Errands.Failure) {
            found = try errands.run(
                waiting: { try deadline.wait(for: Int32(POLLIN), on: $0) },
                { resolve(host, port, flags: 0) })
        } catch {
            switch error {
            case .tooMany(let count): throw .failed("\(count) lookups have not ended yet")
            case .noThread: throw .failed("there is no descriptor or thread left for it")
            }
        }
        guard let found else { throw .timedOut }
        return try found.get()
    }

    /// Has names looked up in `/etc/hosts` and asked of the servers in `/etc/resolv.conf`, whatever
    /// `/etc/nsswitch.conf` says: for an executable that cannot load the C library's other ways,
    /// since it is linked statically.
    package static func useHostsAndServersAlone() {
        _ = unsafe usher_configure_lookup("hosts", "files dns")
    }

    private static func resolve(
        _ host: String, _ port: UInt16, flags: Int32
    ) -> Result<[PeerAddress], LookupFault> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = flags | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, "\(port)", &hints, &list)
        guard status == 0 else {
            return .failure(.failed(unsafe String(cString: gai_strerror(status))))
        }
        defer { unsafe freeaddrinfo(list) }
        var found: [PeerAddress] = []
        var next = unsafe list
        while let entry = unsafe next, found.count < addressesMax {
            if let address = unsafe entry.pointee.ai_addr {
                unsafe found.append(PeerAddress(address, count: entry.pointee.ai_addrlen))
            }
            unsafe next = entry.pointee.ai_next
        }
        return found.isEmpty ? .failure(.failed("it has no address")) : .success(found)
    }
}
