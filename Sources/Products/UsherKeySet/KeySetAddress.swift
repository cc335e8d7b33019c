import Foundation

/// Where a key set is fetched from: an address that was looked at once, when it was configured.
struct KeySetAddress: Sendable {
    let url: URL

    init(
        _ text: String, transport: RemoteKeySet.Transport
    ) throws(RemoteKeySetError) {
        guard text.utf8.count <= 2048, let parts = URLComponents(string: text),
            let scheme = parts.scheme?.lowercased(), let host = parts.host, !host.isEmpty,
            let url = parts.url
        else { throw .url("it must be an absolute https address") }
        guard parts.user == nil, parts.password == nil else {
            throw .url("it must hold no user name or password")
        }
        guard parts.fragment == nil else { throw .url("it must have no fragment") }
        switch (scheme, transport) {
        case ("https", _): break
        case ("http", .insecureHTTPToLoopback):
            guard Self.isLoopback(host) else {
                throw .url("http is taken for 127.0.0.1, [::1] and localhost alone")
            }
        case ("http", .https): throw .url("it must be https: whoever alters keys makes tokens")
        default: throw .url("it must be an https address")
        }
        self.url = url
    }

    private static func isLoopback(_ host: String) -> Bool {
        ["127.0.0.1", "::1", "[::1]", "localhost"].contains(host.lowercased())
    }
}
