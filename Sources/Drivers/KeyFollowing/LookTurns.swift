import Glibc
import Locking

/// Lets one thread at a time look at the keys, and spares others a look that was begun after they
/// asked for theirs.
final class LookTurns: Sendable {
    /// Looks that others than the clock may ask for in a second.
    private static let perSecond = 20
    private static let pauseMicroseconds: UInt32 = 500
    /// How often a thread looks whether its turn has come: for 200 ms.
    private static let pausesMax = 400

    private struct State {
        var isTaken = false
        var begunCount = 0
        var left = LookTurns.perSecond
    }

    private enum Answer { case mine, needless, wait }

    private let state = Lock(State())

    /// Waits for the turn, however long that takes. `end` gives it back.
    func await() {
        while !state.withLock({ Self.begin(&$0) }) { usleep(Self.pauseMicroseconds) }
    }

    /// Waits a moment for the turn. A turn that is `isFree` counts as none of the second's.
    ///
    /// - Returns: Whether to look, and then to `end`; false where somebody has done so meanwhile,
    ///   or nobody may.
    func take(isFree: Bool) -> Bool {
        let before = state.withLock { $0.begunCount }
        for _ in 0..<Self.pausesMax {
            let answer: Answer = state.withLock { state in
                guard !state.isTaken else { return .wait }
                guard state.begunCount == before, isFree || state.left > 0 else {
                    return .needless
                }
                if !isFree { state.left -= 1 }
                return Self.begin(&state) ? .mine : .wait
            }
            switch answer {
            case .mine: return true
            case .needless: return false
            case .wait: usleep(Self.pauseMicroseconds)
            }
        }
        return false
    }

    func end() { state.withLock { $0.isTaken = false } }

    /// To be called once a second.
    func refill() { state.withLock { $0.left = Self.perSecond } }

    private static func begin(_ state: inout State) -> Bool {
        guard !state.isTaken else { return false }
        state.isTaken = true
        state.begunCount += 1
        return true
    }
}
