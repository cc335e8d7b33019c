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

    /// Ends the connections that nobody uses at the moment: for a process that was stopped for a
    /// while and did not notice, as a function is between two events.
    package func closeIdle() {
        // Closed with the end of this, outside the lock.
        _ = idle.withLock { idle in
            defer { idle = [] }
            return idle
        }
    }

    /// Runs `body` with a client that nobody else has meanwhile.
    package func withClient<Result>(
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
