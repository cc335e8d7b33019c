package import HTTPMessages

/// Where a server listens, and what it puts up with.
package struct HTTPServerConfiguration: Sendable {
    /// An IPv4 or IPv6 literal, without brackets.
    package var address: String
    /// 0 picks a free one: ask `HTTPServer.port`.
    package var port: UInt16
    /// A longer body is read to its end and answered with 413.
    package var bodyBytesMax = 65_536
    /// The longest header of a request, request line included: a longer one gets 431, a longer
    /// target 414. An answer's header may be about as long.
    package var headerBytesMax = 16_384
    /// A connection on which nothing moves for so long is closed. 0 means never.
    package var keepaliveSeconds = 75
    /// How long a request may take from its first byte to its last; a connection that takes longer
    /// is cut. 0 means for ever.
    package var requestSecondsMax = 15
    /// Connections in all. Then whoever holds most gives way to those who hold fewer; others wait
    /// in the kernel's queue. Upgraded sockets do not count.
    package var connectionsMax = 10_000
    /// Connections of one address, of which an IPv6 /64 is one; 0: any number. Counts addresses of
    /// the sockets, not those that proxies report.
    package var connectionsPerAddressMax = 500
    /// Whose addresses may hold any number of connections, and never give way.
    package var exemptProxies: [CIDR] = []
    /// Threads that read requests and run the handler.
    package var threads = 2
    /// Whether the handler may have to wait for another machine over a request: then it runs on a
    /// thread of its own, so that those who need not wait do not.
    package var mayWait: (@Sendable (HTTPRequest) -> Bool)?
    /// So many of these at most have to wait for a thread; others get 503.
    package var waitingMax = 1024
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
    /// Told that a newcomer could not be accepted for want of descriptors or memory, and by which
    /// `errno`: once a minute at most, on the server's threads.
    package var onWant: (@Sendable (_ errno: Int32) -> Void)?

    /// Memory of one connection, which libmicrohttpd uses for the header of the request and that of
    /// the answer.
    var connectionBytes: Int { 2 * headerBytesMax }

    /// What libmicrohttpd keeps of that memory for each field, beside the text.
    static let fieldBytes = 64

    /// How many fields a request may have: many short ones would leave no room for an answer.
    var headerFieldsMax: Int { max(32, headerBytesMax / 128) }

    package init(address: String, port: UInt16) {
        self.address = address
        self.port = port
    }
}
