import CMicrohttpd
import Glibc
import HTTPMessages

/// What other threads have for a worker.
struct WorkerMail {
    var arrivals: [Arrival] = []
    var released: [UpgradeHandle] = []
    var answered: [Answered] = []
    var mustEnd = false

    /// A connection that was accepted, and its address as the kernel gave it.
    struct Arrival: Sendable {
        let visit: Visit
        var name = sockaddr_storage()
        var nameSize = socklen_t(MemoryLayout<sockaddr_storage>.size)
    }

    /// The answer to a request that waited for it.
    struct Answered {
        let request: WaitingRequest
        let outcome: HTTPOutcome
    }
}
