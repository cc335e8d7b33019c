import CEpoll
import Glibc
import Locking
import StrictJSON

/// What others than the bus thread may know of it, and what the log is told.
final class BusStanding: Sendable {
    private static let repeatMilliseconds: Int64 = 60_000

    private struct State {
        var wasConnected = false
        var isEnded = false
        var fault: NATSFault?
        var report: NATSReport?
        /// A thread asks servers what they are.
        var isAsking = false
        /// One for each server, most often.
        var told: [(fault: NATSFault, at: Int64)] = []
        /// When a refusal of this code was told last.
        var refusedAt: [Int: Int64] = [:]
    }

    private let state = Lock(State())
    private let port: @Sendable (NATSNotice) -> Void
    /// Readable once there was a connection, or none will be.
    private let event: Int32

    /// - Throws: `.noThread`.
    init(_ port: @escaping @Sendable (NATSNotice) -> Void) throws(NATSFault) {
        self.port = port
        event = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard event >= 0 else { throw .noThread }
    }

    deinit { close(event) }

    func notify(_ notice: NATSNotice) { port(notice) }

    /// `servers` are all that are known.
    func connected(_ dialled: Dialled, _ servers: [NATSServer]) {
        state.withLock { state in
            state.wasConnected = true
            state.fault = nil
            state.told = []
            state.report = NATSReport(dialled, servers, after: state.report)
        }
        port(.connected(server: dialled.line.server.description, version: dialled.version))
        eventfd_write(event, 1)
    }

    var report: NATSReport? { state.withLock { $0.report } }

    func lost() { state.withLock { $0.report?.noteLost() } }

    func looked(_ info: JSONObject, after milliseconds: Int64) {
        state.withLock { $0.report?.note(info, after: milliseconds) }
    }

    /// - Returns: False where that is done already.
    func beginAsking() -> Bool {
        state.withLock { state in
            defer { state.isAsking = true }
            return !state.isAsking
        }
    }

    func endAsking() { state.withLock { $0.isAsking = false } }

    /// It said nothing when it was asked last.
    func isUnheard(_ server: NATSServer) -> Bool {
        state.withLock { state in
            guard let servers = state.report?.servers else { return true }
            guard let known = servers.first(where: { $0.server == server }) else { return true }
            if case .none = known.version { return true }
            return false
        }
    }

    func heard(_ greeting: Result<ServerGreeting, NATSFault>, of server: NATSServer) {
        state.withLock { $0.report?.note(greeting, of: server) }
    }

    /// An attempt has failed.
    func wait(for fault: NATSFault, at now: Int64) {
        let isNews = state.withLock { state in
            state.fault = fault
            state.told.removeAll { now - $0.at >= Self.repeatMilliseconds }
            guard !state.told.contains(where: { $0.fault == fault }) else { return false }
            state.told.append((fault, now))
            return true
        }
        if isNews { port(.waiting(fault)) }
    }

    /// Something that had to be stored was refused.
    func refused(_ refusal: JetStreamAnswer.Refusal, at now: Int64) {
        let isNews = state.withLock { state in
            state.refusedAt = state.refusedAt.filter { now - $0.value < Self.repeatMilliseconds }
            guard state.refusedAt[refusal.code] == nil else { return false }
            state.refusedAt[refusal.code] = now
            return true
        }
        guard isNews else { return }
        port(.refused(refusal.text, code: refusal.code, isQuota: refusal.isOfQuota))
    }

    /// The bus thread has ended.
    func end() {
        state.withLock { $0.isEnded = true }
        eventfd_write(event, 1)
    }

    /// Waits for the first connection.
    ///
    /// - Throws: Why there was none in time, or before the bus was stopped.
    func waitForFirst(millisecondsMax: Int64) throws(NATSFault) {
        let deadline = BusClock.milliseconds() + millisecondsMax
        while true {
            let state = state.withLock { $0 }
            if state.wasConnected { return }
            let left = deadline - BusClock.milliseconds()
            guard left > 0, !state.isEnded else { throw state.fault ?? .stopped }
            var ready = pollfd(fd: event, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&ready, 1, Int32(clamping: left))
        }
    }
}
