import Glibc
import Locking
import SocketLoop
import WebSocket

/// A clock that moves when it is told to, until it is let go.
final class TestClock: Sendable {
    private struct State {
        var milliseconds: Int64 = 1_000_000
        var releasedAt: Int64?
    }

    private let state = Lock(State())

    func advance(milliseconds: Int64) { state.withLock { $0.milliseconds += milliseconds } }

    /// From now on it runs by itself.
    func release() {
        state.withLock { $0.releasedAt = $0.releasedAt ?? SocketClock.system.milliseconds() }
    }

    var port: SocketClock {
        SocketClock { [self] in
            state.withLock { state in
                guard let releasedAt = state.releasedAt else { return state.milliseconds }
                return state.milliseconds + SocketClock.system.milliseconds() - releasedAt
            }
        }
    }
}

/// Loops under test, with a log and a clock. Without a word there is no limit on the rate.
final class Harness {
    let log = Log()
    let clock = TestClock()
    let loops: SocketLoops<TestHandler>

    init(loops count: Int = 1, _ configure: (inout SocketLimits) -> Void = { _ in }) throws {
        var limits = SocketLimits()
        limits.messagesPerSecond = 0
        configure(&limits)
        loops = try SocketLoops(count: count, limits: limits, clock: clock.port) { [log] loop in
            TestHandler(loop: loop, log: log)
        }
    }

    deinit { stop() }

    /// A client whose other end was adopted, known to the handler by `name`.
    func connect(
        _ name: Int, loop: Int = 0, early: [UInt8] = [], overUnixPair isPair: Bool = false
    ) throws -> TestClient {
        let (client, server) = isPair ? TestClient.pair() : TestClient.tcp()
        loops.adopt(server, earlyBytes: early, admission: name, affinity: loop)
        try log.wait { $0.socket(name) != nil }
        return client
    }

    /// Moves the clock and has the loops look at it.
    func advance(milliseconds: Int64) {
        clock.advance(milliseconds: milliseconds)
        loops.tell(.poke)
    }

    func advance(seconds: Int64) { advance(milliseconds: seconds * 1000) }

    /// The one end that the handler was told of.
    func end(_ name: Int) throws -> SocketEnd? {
        try log.wait { !$0.ends(name).isEmpty }
        return log.ends(name).count == 1 ? log.ends(name)[0] : nil
    }

    func stop(_ code: CloseCode = .goingAway, secondsMax: Int = 0) {
        clock.release()
        loops.stop(closing: code, secondsMax: secondsMax)
    }
}
