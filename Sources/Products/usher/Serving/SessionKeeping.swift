import Dispatch
import Locking
import Logging
import Relay
import SessionShelf
import Sessions

/// Carries the relay's sessions from one process to the next, by the file in the data folder.
///
/// Nothing of it keeps a process from starting or stopping: what goes wrong costs the sessions, and
/// stands in the log.
struct SessionKeeping {
    /// Four times what is kept of events: the rest is who they are for.
    private static let bytesMax = 256 << 20
    /// How long a node of a cluster is given to leave its sessions.
    private static let secondsMax = 5

    private let file: ShelfFile?
    private let log: ServiceLog

    /// Takes the lock, which another relay on the same data folder may have.
    init(folder: String, node: String?, allowsGroup: Bool, log: ServiceLog) {
        self.log = log
        do throws(ShelfError) {
            file = try ShelfFile(folder: folder, node: node, allowsGroup: allowsGroup)
        } catch {
            file = nil
            warn("shelf_failed", code: error.code, "\(error)")
        }
    }

    /// Puts back what the process before has left. To be called before anybody is admitted, and by
    /// a node of a cluster once it is a member.
    func putBack(into relay: Relay) {
        var bytes: [UInt8]?
        switch file?.take(bytesMax: Self.bytesMax) ?? .nothing {
        case .nothing: break
        case .ignored(let refusal):
            warn("shelf_ignored", code: refusal.code, "\(refusal)")
        case .bytes(let taken): bytes = taken
        }
        let (log, isNothing) = (log, bytes == nil)
        do throws(ShelfFault) {
            try relay.putBack(bytes) { result in
                if isNothing { return }
                log.write(
                    "sessions_put_back",
                    [
                        ("count", "\(result.count)"), ("revoked", "\(result.revoked)"),
                        ("dropped", "\(result.dropped)"),
                    ], at: .notice)
            }
        } catch {
            warn("shelf_ignored", code: error.rawValue, "\(error)")
        }
    }

    /// Leaves the sessions for the next process, and the lock, which that may want as soon as it
    /// gets the ports. To be called when the loops have ended.
    func shelve(from relay: Relay) {
        guard let file, file.isOurs else { return }
        defer { file.release() }
        guard let shelved = shelved(from: relay) else { return }
        guard shelved.bytes.count <= Self.bytesMax else {
            let reason = "\(shelved.count) sessions are more than the next process would read"
            return warn("shelf_failed", code: "too_large", reason)
        }
        do throws(ShelfError) {
            try file.put(shelved.bytes)
            log.write(
                "sessions_shelved",
                [
                    ("count", "\(shelved.count)"), ("bytes", "\(shelved.bytes.count)"),
                    ("dropped", "\(shelved.dropped.sessions.count)"),
                    ("dropped_events", "\(shelved.dropped.events)"),
                ], at: .notice)
        } catch {
            warn("shelf_failed", code: error.code, "\(error)")
        }
    }

    private func shelved(from relay: Relay) -> Relay.Shelved? {
        let isDone = DispatchSemaphore(value: 0)
        let result = Lock<Relay.Shelved?>(nil)
        relay.shelve { shelved in
            result.withLock { $0 = shelved }
            isDone.signal()
        }
        if isDone.wait(timeout: .now() + .seconds(Self.secondsMax)) == .timedOut {
            let reason = "what sessions are to be kept was not known in \(Self.secondsMax) seconds"
            warn("shelf_failed", code: "late", reason)
        }
        return result.withLock { $0 }
    }

    private func warn(_ event: StaticString, code: String, _ reason: String) {
        log.write(event, [("code", code), ("reason", reason)], at: .warning)
    }
}
