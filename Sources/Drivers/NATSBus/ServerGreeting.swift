import Bytes
import CEpoll
import Glibc
import StrictJSON

/// What a server says of itself before anything else (INFO), and before it is shown any secret.
///
/// libnats reads the version too, and hands it to nobody. So it is asked for on a socket of its
/// own, and the connection counts if it leads to the server of the same id.
struct ServerGreeting: Equatable {
    static let versionMin = "2.10.26"
    /// What NATS takes where nobody says otherwise; a room's document fits.
    static let payloadMin = 1 << 20
    /// Of the servers that one names no more are tried.
    static let othersMax = 32
    private static let bytesMax = 64 << 10
    private static let millisecondsMax: Int64 = 2000

    let id: ByteText
    /// By which the others call it.
    let name: ByteText
    let version: ByteText
    let payloadMax: Int
    /// Of which servers it is one; empty where it stands alone.
    let cluster: ByteText
    let wantsTLS: Bool
    let isLeaving: Bool
    /// Where clients reach the servers of its cluster.
    let others: [ByteText]

    /// - Throws: `.unreachable`.
    static func read(from server: NATSServer) throws(NATSFault) -> ServerGreeting {
        let deadline = BusClock.milliseconds() + millisecondsMax
        let line = try line(of: server, until: deadline)
        guard line.starts(with: "INFO ".utf8), let greeting = parse(Array(line.dropFirst(5))) else {
            throw .unreachable(server, "what answers there is no NATS server")
        }
        return greeting
    }

    static func parse(_ text: [UInt8]) -> ServerGreeting? {
        guard let info = (try? JSONValue.parse(text))?.object, let id = info["server_id"]?.string,
            let version = info["version"]?.string, let payload = info["max_payload"]?.int64
        else { return nil }
        return ServerGreeting(
            id: id, name: info["server_name"]?.string ?? id, version: version,
            payloadMax: Int(clamping: payload), cluster: info["cluster"]?.string ?? "",
            wantsTLS: info["tls_required"]?.bool == true, isLeaving: info["ldm"]?.bool == true,
            others: (info["connect_urls"]?.array ?? []).prefix(othersMax).compactMap(\.string))
    }

    var isCluster: Bool { !cluster.isEmpty }

    /// Whether it may be relied upon for compare-and-set.
    var isNewEnough: Bool {
        guard let own = Self.numbers(version), let least = Self.numbers(.init(Self.versionMin))
        else { return false }
        return !own.lexicographicallyPrecedes(least)
    }

    /// Without what stands behind `-`, as in a version that is yet to come.
    private static func numbers(_ version: ByteText) -> [Int]? {
        let whole = version.utf8.prefix { $0 != UInt8(ascii: "-") }
        let parts = whole.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let numbers = parts.compactMap { UInt16(Substring($0)).map(Int.init) }
        return numbers.count == 3 && parts.count == 3 ? numbers : nil
    }

    /// - Throws: Where the server can't serve.
    func check(_ server: NATSServer) throws(NATSFault) {
        guard isNewEnough else { throw .tooOld(server, version: version.string) }
        guard payloadMax >= Self.payloadMin else {
            throw .messagesTooSmall(server, bytes: payloadMax)
        }
        guard server.isTLS || !wantsTLS else { throw .wantsTLS(server) }
        guard !isLeaving else { throw .leaving(server) }
    }

    // MARK: The socket

    private static func line(
        of server: NATSServer, until deadline: Int64
    ) throws(NATSFault) -> [UInt8] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(server.host.string, "\(server.port)", &hints, &list)
        guard status == 0 else {
            throw .unreachable(server, unsafe String(cString: gai_strerror(status)))
        }
        defer { unsafe freeaddrinfo(list) }
        var next = unsafe list
        var number = EADDRNOTAVAIL
        while let address = unsafe next {
            let type = unsafe address.pointee.ai_socktype
            let socket = unsafe socket(
                address.pointee.ai_family,
                type | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            guard socket >= 0 else { throw .unreachable(server, text(errno)) }
            defer { close(socket) }
            let failure = unsafe connect(
                socket, address.pointee.ai_addr, address.pointee.ai_addrlen)
            number = failure == 0 ? 0 : errno
            if number == EINPROGRESS { number = pending(socket, until: deadline) }
            if number == 0 { return try read(socket, server, until: deadline) }
            unsafe next = address.pointee.ai_next
        }
        throw .unreachable(server, text(number))
    }

    private static func pending(_ socket: Int32, until deadline: Int64) -> Int32 {
        guard isReady(socket, POLLOUT, until: deadline) else { return ETIMEDOUT }
        var number: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        let status = unsafe getsockopt(socket, SOL_SOCKET, SO_ERROR, &number, &size)
        return status == 0 ? number : errno
    }

    private static func read(
        _ socket: Int32, _ server: NATSServer, until deadline: Int64
    ) throws(NATSFault) -> [UInt8] {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while line.count < bytesMax {
            guard isReady(socket, POLLIN, until: deadline) else {
                throw .unreachable(server, "it says nothing")
            }
            let count = unsafe recv(socket, &buffer, buffer.count, 0)
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0 else { throw .unreachable(server, "it ends the connection at once") }
            if let end = buffer[..<count].firstIndex(of: 0x0A) {
                return line + buffer[..<end]
            }
            line += buffer[..<count]
        }
        throw .unreachable(server, "what answers there is no NATS server")
    }

    private static func isReady(_ socket: Int32, _ events: Int32, until deadline: Int64) -> Bool {
        while true {
            var ready = pollfd(fd: socket, events: Int16(events), revents: 0)
            let left = deadline - BusClock.milliseconds()
            guard left > 0 else { return false }
            let count = unsafe poll(&ready, 1, Int32(clamping: left))
            if count > 0 { return true }
            guard count == 0 || errno == EINTR else { return false }
        }
    }

    private static func text(_ number: Int32) -> String {
        unsafe String(cString: strerror(number))
    }
}

/// The clock that also counts while the machine sleeps, so that a node that slept notices.
enum BusClock {
    static func milliseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    static func pause(milliseconds: Int32) { _ = poll(nil, 0, milliseconds) }
}
