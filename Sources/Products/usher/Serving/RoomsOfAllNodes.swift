import Dispatch
import Locking
import Relay

/// The rooms of all nodes, for operators who wait for them. One list is made at a time: whoever
/// asks meanwhile gets the same.
final class RoomsOfAllNodes: Sendable {
    /// What one thread leaves for others.
    private final class Answer<Value: Sendable>: Sendable {
        private let value = Lock<Value?>(nil)
        private let isThere = DispatchSemaphore(value: 0)

        func give(_ value: Value?) {
            self.value.withLock { $0 = value }
            isThere.signal()
        }

        /// Nil where nothing comes in time.
        func wait(seconds: Int) -> Value? {
            // Whoever waits besides goes on as well.
            if case .success = isThere.wait(timeout: .now() + .seconds(seconds)) {
                isThere.signal()
            }
            return value.withLock { $0 }
        }
    }

    private struct State {
        var making: Answer<RoomListing>?
        var waiting = 0
    }

    /// Each keeps a thread of those that may wait.
    private static let waitingMax = 5
    /// Longer than other nodes are waited for.
    private static let secondsMax = 12

    private let service: Relay
    private let state = Lock(State())

    init(_ service: Relay) { self.service = service }

    /// Waits for what other nodes say; nil where too many wait, or nothing came in time.
    @Sendable func listing() -> RoomListing? {
        let entered = state.withLock { state -> (Answer<RoomListing>, isFirst: Bool)? in
            guard state.waiting < Self.waitingMax else { return nil }
            state.waiting += 1
            if let making = state.making { return (making, false) }
            let making = Answer<RoomListing>()
            state.making = making
            return (making, true)
        }
        guard let (answer, isFirst) = entered else { return nil }
        defer { state.withLock { $0.waiting -= 1 } }
        guard isFirst else { return answer.wait(seconds: Self.secondsMax) }
        let listing = made()
        state.withLock { $0.making = nil }
        answer.give(listing)
        return listing
    }

    private func made() -> RoomListing? {
        let heard = Answer<ListedRooms>()
        service.list(.all) { heard.give($0) }
        return heard.wait(seconds: Self.secondsMax).map(service.rooms(with:))
    }
}
