import Glibc
import Locking
import SocketLoop
import TestSupport
import WebSocket

extension Harness {
    /// Stops the loops from a thread of its own, on the clock of the test.
    func stopper(_ code: CloseCode, secondsMax: Int) -> TestThread {
        TestThread { [loops] in loops.stop(closing: code, secondsMax: secondsMax) }
    }
}

/// A client that says things to all of its kind as fast as it can, while it hears what they say.
final class Talker {
    /// It waits when it has said so many more than it has heard, lest the queues grow for ever.
    private static let aheadMax = 200

    private struct State {
        var heard: [Heard] = []
        var hasHeardClose = false
    }

    private final class Shared: Sendable {
        let state = Lock(State())
    }

    private let shared = Shared()
    private let reader: TestThread
    private let writer: TestThread

    init(_ client: TestClient, name: Int, among count: Int) {
        nonisolated(unsafe) let client = client  // From here on the reader's alone.
        reader = TestThread { [shared] in
            var last: Heard?
            while last != .end, last != .reset {
                guard let heard = unsafe try? client.hear() else { return }
                last = heard
                shared.state.withLock { state in
                    state.heard.append(heard)
                    if case .close = heard { state.hasHeardClose = true }
                }
            }
        }
        writer = TestThread { [descriptor = unsafe client.descriptor, shared] in
            var number = 0
            while true {
                let (heard, isOver) = shared.state.withLock { ($0.heard.count, $0.hasHeardClose) }
                if isOver { break }
                if number > heard + Self.aheadMax {
                    usleep(100)
                    continue
                }
                let word = number.isMultiple(of: 3) ? "mail" : "to"
                let text = "\(word) \((name + number) % count) \(name) \(word) \(number)"
                guard sendAll(Frame.text(text), to: descriptor) else { return }
                number += 1
            }
            _ = sendAll(Frame.close(1012), to: descriptor)
        }
    }

    /// What was heard up to the end.
    func finish() -> [Heard] {
        reader.wait()
        writer.wait()
        return shared.state.withLock { $0.heard }
    }
}

/// False if the connection is gone.
func sendAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var sent = 0
    while sent < bytes.count {
        let count = unsafe bytes[sent...].withUnsafeBytes { rest in
            unsafe send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
        }
        if count > 0 { sent += count }
        if count < 0, errno != EINTR { return false }
    }
    return true
}
