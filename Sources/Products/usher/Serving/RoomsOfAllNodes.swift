import Locking
import OperatorService
import Relay

/// The rooms of all nodes, for operators who wait for them. One list is made at a time, and written
/// once: whoever asks meanwhile gets the same.
final class RoomsOfAllNodes: Sendable {
    typealias List = @Sendable (@escaping @Sendable (ListedRooms) -> Void) -> Void

    private struct State {
        var making: Answer<[UInt8]>?
        var waiting = 0
    }

    /// Each keeps a thread of those that may wait.
    private static let waitingMax = 5
    private let pending: PendingAnswers
    private let secondsMax: Int
    private let list: List
    private let written: @Sendable (ListedRooms) -> [UInt8]
    private let state = Lock(State())

    /// `list` asks the other nodes, and `written` makes JSON of what they say; `secondsMax` is
    /// longer than they are waited for.
    init(
        _ pending: PendingAnswers, secondsMax: Int = 12, list: @escaping List,
        written: @escaping @Sendable (ListedRooms) -> [UInt8]
    ) {
        self.pending = pending
        self.secondsMax = secondsMax
        self.list = list
        self.written = written
    }

    /// How many wait now.
    var waiting: Int { state.withLock { $0.waiting } }

    /// Waits for what other nodes say.
    @Sendable func listing() -> RoomsAnswer {
        let entered = state.withLock { state -> (Answer<[UInt8]>, isFirst: Bool)? in
            guard state.waiting < Self.waitingMax else { return nil }
            state.waiting += 1
            if let making = state.making { return (making, false) }
            let making = Answer<[UInt8]>()
            state.making = making
            return (making, true)
        }
        guard let (answer, isFirst) = entered else { return .tooMany }
        defer { state.withLock { $0.waiting -= 1 } }
        if isFirst {
            let json = pending.wait(seconds: secondsMax, list).map(written)
            state.withLock { $0.making = nil }
            answer.give(json)
        }
        return answer.wait(seconds: secondsMax).map(RoomsAnswer.listed) ?? .nothingCame
    }
}
