import Glibc
import Locking
import Monitoring

/// Where loops leave what they counted, once a second, for others to read.
final class FigureBoard: Sendable {
    private let byLoop = Lock<[Int: LoopFigures]>([:])

    func publish(_ figures: LoopFigures, of loop: Int) { byLoop.withLock { $0[loop] = figures } }

    var total: LoopFigures {
        byLoop.withLock { byLoop in byLoop.values.reduce(into: LoopFigures()) { $0.add($1) } }
    }
}

extension LoopFigures {
    /// Microseconds on a clock that never goes back.
    static var microseconds: Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec &* 1_000_000 &+ time.tv_nsec / 1000
    }
}
