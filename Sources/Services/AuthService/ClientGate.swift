import Access
import Bytes
import Clients
import HTTPMessages
import Locking

/// What every endpoint under `/oauth2/` does first. They share one, so that what is counted at one
/// counts at all.
final class ClientGate: Sendable {
    private let authenticator: ClientAuthenticator
    /// Of what clients write to the registry, but for the marks of their assertions.
    let writes = WriteRate()
    private let addresses: RequestLimit<AddressGroup>

    init(_ configuration: AuthConfiguration, _ ports: AuthPorts) {
        authenticator = ClientAuthenticator(issuer: configuration.issuer, ports)
        addresses = RequestLimit(
            configuration.addressRequestsPerSecond, inSeconds: 1,
            beyond: "more than \(configuration.addressRequestsPerSecond) requests a second from "
                + "this address")
    }

    /// The method, then the address's rate, which counts every request.
    func admit(
        _ request: HTTPRequest, methods: [ByteText], _ now: Int64
    ) throws(OAuthRefusal) {
        guard methods.contains(request.method) else {
            throw .methodNotAllowed(allow: OAuthText.list(methods))
        }
        try addresses.take(AddressGroup(request.clientAddress), now)
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
}

/// At most so many requests a key within a time; whoever exceeds it is answered 429.
final class RequestLimit<Key: Hashable & Sendable>: Sendable {
    private let requestsMax: Int
    private let text: String
    private let counts: Lock<AttemptCounter<Key>>

    /// `requestsMax` 0 means no limit; `text` says which was exceeded.
    init(_ requestsMax: Int, inSeconds seconds: Int64, beyond text: String) {
        self.requestsMax = requestsMax
        self.text = text
        counts = Lock(AttemptCounter(attemptsMax: requestsMax, windowSeconds: seconds))
    }

    func take(_ key: Key, _ now: Int64) throws(OAuthRefusal) {
        guard requestsMax > 0, let seconds = counts.withLock({ $0.take(key, now: now) }) else {
            return
        }
        throw .tooManyRequests(text, retryAfter: seconds)
    }
}

/// How often each client may ask, at one endpoint.
typealias ClientRate = RequestLimit<ByteText>

extension ClientRate {
    convenience init(_ configuration: AuthConfiguration) {
        let perSecondMax = configuration.tokenRequestsPerSecond
        self.init(
            perSecondMax, inSeconds: 1,
            beyond: "more than \(perSecondMax) requests a second of this client")
    }

    func take(_ client: Client, _ now: Int64) throws(OAuthRefusal) {
        try take(ByteText(client.clientID), now)
    }
}
