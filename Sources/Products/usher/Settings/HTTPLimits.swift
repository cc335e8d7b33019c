/// What a port puts up with before a connection is a socket of the relay.
struct HTTPLimits: Equatable, Sendable {
    /// How long a request, or a handshake, may take to arrive.
    let requestSeconds: Int
    /// How long a connection may be silent between two requests.
    let keepaliveSeconds: Int
    /// Of a request's header; the answer's may be about as long.
    let headerBytes: Int
    let connections: Int
    /// 0: any number.
    let connectionsPerAddress: Int

    /// What the headers of a port's connections may take together: each has room for two.
    private static let headerBytesSumMax = 1 << 30

    /// - Throws: `SettingError` for the first setting that is not what it must be.
    init(_ values: SettingValues) throws(SettingError) {
        requestSeconds = try values.integer(.requestSeconds, default: 15, in: 0...3600)
        keepaliveSeconds = try values.integer(.keepaliveSeconds, default: 75, in: 1...3600)
        headerBytes = try values.integer(.headerBytes, default: 16_384, in: 4096...65_536)
        connections = try values.integer(.maxHTTPConnections, default: 10_000, in: 1...131_072)
        connectionsPerAddress = try values.integer(
            .maxHTTPConnectionsPerAddress, default: 500, in: 0...1_000_000)
        let connectionsMax = Self.headerBytesSumMax / (2 * headerBytes)
        guard connections <= connectionsMax else {
            throw values.error(
                .maxHTTPConnections, value: String(connections),
                expected: "at most \(connectionsMax) beside \(Setting.headerBytes.flag) "
                    + "\(headerBytes), or fewer bytes there: their memory is bounded by 1 GiB")
        }
    }
}
