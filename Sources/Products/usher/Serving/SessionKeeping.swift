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

    /// Puts back what the process before has left. To be called before anybody is admitted.
    func putBack(into relay: Relay) {
        switch file?.take(bytesMax: Self.bytesMax) ?? .nothing {
        case .nothing: return
        case .ignored(let refusal):
            warn("shelf_ignored", code: refusal.code, "\(refusal)")
        case .bytes(let bytes):
            do throws(ShelfFault) {
                let result = try relay.putBack(bytes)
                log.write(
                    "sessions_put_back",
                    [
                        ("count", "\(result.count)"), ("revoked", "\(result.revoked)"),
                        ("dropped", "\(result.dropped)"),
                    ], at: .notice)
            } catch {
                warn("shelf_ignored", code: error.rawValue, "\(error)")
            }
        }
    }

    /// Leaves the sessions for the next process, and the lock, which that may want as soon as it
    /// gets the ports. To be called when the loops have ended.
    func shelve(from relay: Relay) {
        guard let file, file.isOurs else { return }
        defer { file.release() }
        guard let shelved = relay.shelve() else { return }
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

    private func warn(_ event: StaticString, code: String, _ reason: String) {
        log.write(event, [("code", code), ("reason", reason)], at: .warning)
    }
}
