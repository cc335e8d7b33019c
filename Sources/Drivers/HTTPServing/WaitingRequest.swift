import CMicrohttpd
import HTTPMessages

/// A request whose answer may have to wait for another machine: it is made on a thread of its own,
/// and libmicrohttpd holds the connection suspended meanwhile.
///
/// `@unchecked Sendable`: all of it is touched by the worker's thread alone; others hand it on.
@safe final class WaitingRequest: @unchecked Sendable {
    private let connection: OpaquePointer
    private let exchange: Exchange

    var id: ObjectIdentifier { ObjectIdentifier(self) }

    /// Suspends the connection; to be called by the callback that has read the request.
    init(_ exchange: Exchange, on connection: OpaquePointer) {
        unsafe self.connection = connection
        self.exchange = exchange
        unsafe MHD_suspend_connection(connection)
    }

    /// Has libmicrohttpd, when it runs next, call that callback once more, which then has the
    /// answer.
    func resume(with outcome: HTTPOutcome) {
        exchange.outcome = outcome
        unsafe MHD_resume_connection(connection)
    }
}
