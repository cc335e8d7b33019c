package import Bytes

/// One request, read whole, as a value.
package struct HTTPRequest: Equatable, Sendable {
    /// As sent, which is case-sensitive: `GET`, `POST`; a token.
    package var method: ByteText
    /// Raw, neither percent-decoded nor normalised, up to the `?`; ASCII that starts with `/`.
    package var path: ByteText
    /// Raw, without the `?`; nil where there is no `?`, empty where nothing follows it. Spelled
    /// `Optional`, as in `TokenClaims`: it costs an initialiser less.
    package var query: Optional<ByteText>
    package var headers: HeaderFields
    package var body: [UInt8]
    /// The IP address of the socket's other end, as text.
    package var peerAddress: String
    /// Whether the client speaks TLS: to us, or to a trusted proxy that says so.
    package var isSecure: Bool
    /// The client's own IP address behind trusted proxies; else the same as `peerAddress`.
    package var clientAddress: String

    package init(
        method: ByteText = "GET", path: ByteText = "/", query: ByteText? = nil,
        headers: HeaderFields = HeaderFields(), body: [UInt8] = [],
        peerAddress: String = "127.0.0.1", isSecure: Bool = false, clientAddress: String? = nil
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.peerAddress = peerAddress
        self.isSecure = isSecure
        self.clientAddress = clientAddress ?? peerAddress
    }
}

extension HTTPRequest {
    /// Whether it came over TLS, or never left this machine: then what it bears was seen by nobody.
    ///
    /// A proxy on this machine does not make a remote client's plain http good.
    package var isProtected: Bool {
        isSecure || Self.isLoopback(peerAddress) && Self.isLoopback(clientAddress)
    }

    private static func isLoopback(_ address: String) -> Bool {
        ByteText(address) == "127.0.0.1" || IPAddress(address)?.isLoopback == true
    }
}
