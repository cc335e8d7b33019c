package import HTTPClient
import Locking

/// HTTP clients for any number of threads: each request has one to itself, with the connections
/// that it keeps, and the next one takes the client that was used last.
package final class ClientPool: Sendable {
    /// What more threads at a time than that give back is dropped, with its connections.
    private static let idleMax = 16

    private let trust: TLSTrust
    private let limits: AnswerLimits
    private let idle = Lock<[LentClient]>([])

    package init(trust: TLSTrust, limits: AnswerLimits = AnswerLimits()) {
        self.trust = trust
        self.limits = limits
    }

    /// Runs `body` with a client that nobody else has meanwhile.
    func withClient<Result>(
        _ body: (HTTPClient) throws(HTTPClientError) -> Result
    ) throws(HTTPClientError) -> Result {
        let lent =
            idle.withLock { $0.popLast() } ?? LentClient(HTTPClient(trust: trust, limits: limits))
        defer {
            idle.withLock { if $0.count < Self.idleMax { $0.append(lent) } }
        }
        return try body(lent.client)
    }
}

/// `@unchecked Sendable`: one thread at a time has it, which `ClientPool` sees to.
private final class LentClient: @unchecked Sendable {
    let client: HTTPClient

    init(_ client: HTTPClient) { self.client = client }
}
