package import Bytes
package import Edge
package import HTTPMessages

/// How the endpoints of `AuthService` behave.
package struct AuthConfiguration: Sendable {
    /// Lifetimes that a client may ask for, in seconds.
    package static let lifetimeSecondsRange: ClosedRange<Int64> = 1...3600

    /// The `iss` of every token and of the metadata (RFC 8414 §2): a URL without query and
    /// fragment.
    package let issuer: String
    /// The `aud` of every token.
    package let audience: String
    /// What `POST /edge/viewer-request` applies.
    package let edgeStep: EdgeStep
    /// How long a token lives when nobody asked for a time, in seconds, 1 to 3600.
    package let defaultLifetimeSeconds: Int64
    /// How many requests each client may make in a second, at each of the endpoints that
    /// authenticate it; 0: no limit.
    package let tokenRequestsPerSecond: Int
    /// How many requests one address may make in a second, at these endpoints together; 0: no
    /// limit.
    package let addressRequestsPerSecond: Int
    /// The OpenAPI description that `GET /openapi.json` answers; empty: no such route.
    package let openAPI: [UInt8]
    /// Who may ask for the edge step of a token beside this machine: reverse proxies.
    package let edgeProxies: [CIDR]
    /// nil: no demo.
    package let demo: DemoConfiguration?

    package init(
        issuer: String, audience: String,
        edgeStep: EdgeStep = EdgeStep(cookieName: "__Host-usher_session"),
        defaultLifetimeSeconds: Int64 = 600, tokenRequestsPerSecond: Int = 0,
        addressRequestsPerSecond: Int = 0, openAPI: [UInt8] = [], edgeProxies: [CIDR] = [],
        demo: DemoConfiguration? = nil
    ) {
        precondition(
            Self.lifetimeSecondsRange.contains(defaultLifetimeSeconds),
            "The default lifetime of a token is 1 to 3600 seconds")
        precondition(
            tokenRequestsPerSecond >= 0 && addressRequestsPerSecond >= 0,
            "A rate is not negative; 0 is no limit")
        self.issuer = issuer
        self.audience = audience
        self.edgeStep = edgeStep
        self.defaultLifetimeSeconds = defaultLifetimeSeconds
        self.tokenRequestsPerSecond = tokenRequestsPerSecond
        self.addressRequestsPerSecond = addressRequestsPerSecond
        self.openAPI = openAPI
        self.edgeProxies = edgeProxies
        self.demo = demo
    }
}

/// The demo: its page, and who may ask for its tokens.
package struct DemoConfiguration: Sendable {
    /// By path, each beginning with `/demo/`; `/demo/` itself is the page.
    package let assets: [ByteText: PageAsset]
    /// Names that `Host` may bear, without port; IP addresses and `localhost` always may.
    package let allowedHosts: [ByteText]
    /// The path at which the page opens its WebSocket.
    package let signalPath: String

    package init(
        assets: [ByteText: PageAsset], allowedHosts: [ByteText] = [], signalPath: String = "/"
    ) {
        self.assets = assets
        self.allowedHosts = allowedHosts
        self.signalPath = signalPath
    }
}
