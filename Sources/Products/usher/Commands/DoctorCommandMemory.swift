import Glibc
import SocketLoop

/// Whether the machine has the memory that the limits allow to be used.
struct MemoryLook {
    /// About what a v1 connection at a node of a cluster takes, with its session and its room.
    private static let bytesPerConnection = 4096

    /// Of the machine, in bytes; nil where it does not tell.
    let total: Int?
    /// 0 where there is no end to them.
    let connectionsMax: Int
    let outboundBytesMax: Int

    func finding() -> Finding? {
        guard let total else { return nil }
        let connections = connectionsMax * Self.bytesPerConnection
        guard connections + outboundBytesMax > total else { return nil }
        let places =
            connectionsMax == 0
            ? "" : "\(connectionsMax) connections take \(connections >> 20) MiB, and "
        return .warning(
            "memory",
            "\(places)\(outboundBytesMax >> 20) MiB may wait for slow readers: the machine has "
                + "\(total >> 20) MiB",
            "less of --max-connections or --max-outbound-bytes-in-all")
    }
}

extension MemoryLook {
    init(_ settings: ServeSettings) {
        total = Self.total
        connectionsMax = settings.limits.maxConnections
        outboundBytesMax = settings.sockets.outboundBytesInAllMax
    }

    private static var total: Int? {
        let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
        return pages > 0 && size > 0 ? Int(pages) * Int(size) : nil
    }
}
