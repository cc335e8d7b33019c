import Bytes
import Clients
import HTTPMessages
import Locking

/// What every endpoint under `/oauth2/` does first. They share one, so that what is counted at one
/// counts at all.
final class ClientGate: Sendable {
    private let configuration: AuthConfiguration
    private let ports: AuthPorts
    private let authenticator: ClientAuthenticator
    /// Of what clients write to the registry, but for the marks of their assertions.
    let writes = WriteRate()
    private let addresses: Lock<RequestRate<AddressGroup>>

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        self.configuration = configuration
        self.ports = ports
        authenticator = ClientAuthenticator(issuer: configuration.issuer, ports)
        addresses = Lock(RequestRate(perSecondMax: configuration.addressRequestsPerSecond))
    }

    /// The method, then the address's rate, which counts every request.
    func admit(
        _ request: HTTPRequest, methods: [ByteText], _ now: Int64
    ) throws(OAuthRefusal) {
        guard methods.contains(request.method) else {
            throw .methodNotAllowed(allow: OAuthText.list(methods))
        }
        try takeFromRate(request.clientAddress, now)
    }

    /// The parameters of a POST.
    func form(of request: HTTPRequest, _ now: Int64) throws(OAuthRefusal) -> OAuthForm {
        try admit(request, methods: Self.post, now)
        return try OAuthForm(request)
    }

    /// The client that the request proves to come from, within its rate at this endpoint.
    func client(
        of request: HTTPRequest, _ form: OAuthForm, within rate: ClientRate, _ now: Int64
    ) throws(OAuthRefusal) -> Client {
        let client = try authenticator.client(
            for: PresentedCredentials.find(in: request, form), from: request.clientAddress,
            now: now)
        try rate.take(client, now)
        return client
    }

    private static let post: [ByteText] = ["POST"]

    private func takeFromRate(_ address: String, _ now: Int64) throws(OAuthRefusal) {
        let perSecondMax = configuration.addressRequestsPerSecond
        guard perSecondMax > 0 else { return }
        guard addresses.withLock({ $0.take(AddressGroup(address), now: now) }) else {
            throw .tooManyRequests(
                "more than \(perSecondMax) requests a second from this address", retryAfter: 1)
        }
    }
}

/// At most so many requests a client and second, at one endpoint.
final class ClientRate: Sendable {
    private let perSecondMax: Int
    private let rate: Lock<RequestRate<ByteText>>

    init(_ configuration: AuthConfiguration) {
        perSecondMax = configuration.tokenRequestsPerSecond
        rate = Lock(RequestRate(perSecondMax: perSecondMax))
    }

    func take(_ client: Client, _ now: Int64) throws(OAuthRefusal) {
        guard perSecondMax > 0 else { return }
        guard rate.withLock({ $0.take(ByteText(client.clientID), now: now) }) else {
            throw .tooManyRequests(
                "more than \(perSecondMax) requests a second of this client", retryAfter: 1)
        }
    }
}
