import Dispatch
import Glibc
import Locking
package import Monitoring

/// Writes lines to a descriptor for threads that must not wait for it.
///
/// A pipe that nobody reads, a full disk, a closed terminal: none of them stops or ends whoever has
/// a line to add. Lines wait in a `LineQueue`, and one thread writes them, which tries again until
/// it can. SIGPIPE must be ignored.
package final class LineWriter: Sendable {
    /// What a pipe takes whole, so that lines of two processes never mix (`PIPE_BUF`).
    private static let bytesAtOnce = 4096
    private static let retryMilliseconds: Int32 = 100

    private struct State {
        var queue: LineQueue
        var isWriting = false
        var isStopping = false
    }

    private let descriptor: Int32
    private let gapLine: @Sendable (_ count: Int) -> [UInt8]
    private let state: Lock<State>
    private let thread = DispatchQueue(label: "usher-lines")

    /// - Parameters:
    ///   - descriptor: Stays open as long as the process lives.
    ///   - queue: Where lines wait.
    ///   - gapLine: The line that tells how many are missing; empty where nothing is to be told.
    package init(
        descriptor: Int32, queue: LineQueue = LineQueue(),
        gapLine: @escaping @Sendable (_ count: Int) -> [UInt8] = { _ in [] }
    ) {
        self.descriptor = descriptor
        self.gapLine = gapLine
        state = Lock(State(queue: queue))
    }

    /// Lines dropped since the start.
    package var droppedCount: Int { state.withLock { $0.queue.droppedCount } }

    /// Adds a line, its end included, or drops it; never waits.
    package func append(_ line: [UInt8]) {
        let isFirst = state.withLock { state in
            state.queue.append(line)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if isFirst { thread.async { self.drain() } }
    }

    /// Waits until everything is written, at most so long; from now on what cannot be written is
    /// given up at once.
    package func stop(withinSeconds seconds: Int) {
        state.withLock { $0.isStopping = true }
        let written = DispatchSemaphore(value: 0)
        thread.async { written.signal() }
        _ = written.wait(timeout: .now() + .seconds(seconds))
    }

    private func drain() {
        while let piece = next() {
            switch piece {
            case .lines(let bytes): write(bytes)
            case .gap(let count): write(gapLine(count))
            }
        }
    }

    private func next() -> LineQueue.Piece? {
        state.withLock { state in
            let piece = state.queue.next(bytesMax: Self.bytesAtOnce)
            state.isWriting = piece != nil
            return piece
        }
    }

    private func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard written < 0 else {
                rest = rest.dropFirst(written)
                continue
            }
            if errno == EINTR { continue }
            guard !state.withLock({ $0.isStopping }) else { return }
            // Until it may go on: at once where room is waited for, else after the pause.
            var room = pollfd(
                fd: errno == EAGAIN ? descriptor : -1, events: Int16(POLLOUT), revents: 0)
            unsafe poll(&room, 1, Self.retryMilliseconds)
        }
    }
}
