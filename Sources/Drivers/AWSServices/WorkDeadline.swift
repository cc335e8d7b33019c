package import HTTPClient
import Locking

/// Until when services may be asked for the work at hand. A function has one piece of work at a
/// time, on however many threads: whatever asks a service holds the one deadline of the process.
package final class WorkDeadline: Sendable {
    private let current: Lock<Deadline>

    package init(_ deadline: Deadline = .never) { current = Lock(deadline) }

    package var deadline: Deadline { current.withLock { $0 } }

    /// Another piece of work has begun.
    package func set(_ deadline: Deadline) { current.withLock { $0 = deadline } }
}
