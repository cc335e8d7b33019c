import CEpoll
import Glibc
import Locking
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

/// getaddrinfo(3), which knows no time limit: each call has a thread of its own, which is left to
/// itself when the time is over.
package final class NameLookup: Sendable {
    /// So many threads at most are there, left ones too; the resolver gives up sooner or later.
    static let countMax = 8
    private static let addressesMax = 16
    private static let running = Lock(0)

    private let result = Lock<Result<[PeerAddress], LookupFault>?>(nil)
    /// Readable once there is a result.
    private let done: Int32

    private init?() {
        done = eventfd(0, Int32(EFD_CLOEXEC))
        guard done >= 0 else { return nil }
    }

    deinit { close(done) }

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
        let isFree = running.withLock { running in
            guard running < countMax else { return false }
            running += 1
            return true
        }
        guard isFree else { throw .failed("\(countMax) lookups have not ended yet") }
        guard let lookup = NameLookup(), lookup.start(host, port) else {
            running.withLock { $0 -= 1 }
            throw .failed("there is no descriptor or thread left for it")
        }
        do throws(TransportFault) {
            try deadline.wait(for: Int32(POLLIN), on: lookup.done)
        } catch {
            throw .timedOut
        }
        guard let result = lookup.result.withLock({ $0 }) else { throw .timedOut }
        return try result.get()
    }

    /// Has names looked up in `/etc/hosts` and asked of the servers in `/etc/resolv.conf`, whatever
    /// `/etc/nsswitch.conf` says: for an executable that cannot load the C library's other ways,
    /// since it is linked statically.
    package static func useHostsAndServersAlone() {
        _ = unsafe usher_configure_lookup("hosts", "files dns")
    }

    private func start(_ host: String, _ port: UInt16) -> Bool {
        let thread = try? OwnThread(named: "usher-lookup") { [self] in
            let found = Self.resolve(host, port, flags: 0)
            result.withLock { $0 = found }
            Self.running.withLock { $0 -= 1 }
            eventfd_write(done, 1)
        }
        thread?.detach()
        return thread != nil
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
