package import HTTPMessages

/// Where a server listens, and what it puts up with.
package struct HTTPServerConfiguration: Sendable {
    /// An IPv4 or IPv6 literal, without brackets.
    package var address: String
    /// 0 picks a free one: ask `HTTPServer.port`.
    package var port: UInt16
    /// A longer body is read to its end and answered with 413.
    package var bodyBytesMax = 65_536
    /// Memory of one connection, for the request's header and the response's: a request line and
    /// header of about this size get 431.
    package var headerBytesMax = 16_384
    /// A connection on which nothing moves for so long is closed. 0 means never.
    package var idleTimeoutSeconds = 30
    /// How long a request may take from its first byte to its last; a connection that takes longer
    /// is cut. 0 means for ever.
    package var requestSecondsMax = 15
    /// Further connections wait in the kernel's queue. Upgraded sockets do not count.
    package var connectionsMax = 10_000
    /// 0 means no limit. Counts addresses of the sockets, not those that proxies report.
    package var connectionsPerAddressMax = 0
    /// Threads that read requests and run the handler.
    package var threads = 2
    /// Connections that the kernel holds until they are accepted.
    package var backlog = 1024
    /// What TLS handshakes are answered with; nil speaks plain HTTP. `HTTPServer.replaceTLS`
    /// changes it while the server runs.
    package var tls: TLSIdentity?
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` count.
    package var trustedProxies: [CIDR] = []
    /// For how long `stop()` waits for answers that are being made or sent.
    package var stopGraceMilliseconds = 2000
    /// Gets libmicrohttpd's complaints, on its threads: the bare message, never what a request
    /// held.
    package var log: (@Sendable (_ message: String) -> Void)?

    package init(address: String, port: UInt16) {
        self.address = address
        self.port = port
    }
}
