/// A connection that left HTTP behind: what the receiver of an upgrade gets.
package struct UpgradedSocket: Sendable {
    /// A duplicate of the connection's descriptor: non-blocking, close-on-exec, TCP_NODELAY.
    /// The receiver owns it and closes it.
    package let descriptor: Int32
    /// Bytes that came behind the request, in the same read: the first of the new protocol.
    package let earlyBytes: [UInt8]
    /// To be called once, when the descriptor was closed: what carries the connection on its other
    /// side (TLS) is held until then. nil where nothing is.
    package let onClosed: (@Sendable () -> Void)?

    package init(
        descriptor: Int32, earlyBytes: [UInt8], onClosed: (@Sendable () -> Void)? = nil
    ) {
        self.descriptor = descriptor
        self.earlyBytes = earlyBytes
        self.onClosed = onClosed
    }
}

/// What becomes of a request.
package enum HTTPOutcome: Sendable {
    case response(HTTPResponse)
    /// Answer 101 with exactly these header fields (and `Date`), then hand the socket over.
    /// `adopt` runs once, on a server thread, or never, where the connection ends before.
    case upgrade(headers: HeaderFields, adopt: @Sendable (UpgradedSocket) -> Void)
    /// Answer 200 with these fields and a body that goes on: `next` gives a piece of it about once
    /// a second, until the client hangs up; nil, or an empty piece, ends it.
    case stream(headers: HeaderFields, next: @Sendable () -> [UInt8]?)
}
