import Cluster

/// What was asked on a connection and is not answered yet.
struct BusRequests {
    /// How long an answer is waited for.
    static let millisecondsMax: Int64 = 1000

    struct Write {
        let key: StoreKey
        let bytes: [UInt8]
        let base: Revision
        let request: UInt64
        /// A revision that there was before it was sent.
        let former: Revision
        /// When it was asked for.
        let since: Int64
        /// How often it was refused for another one that was on its way.
        var refusals = 0

        /// When it is sent again after that: it has not happened, and will not.
        func next(_ now: Int64) -> Int64? {
            let at = now + 2 << Int64(min(refusals, 5))
            return at - since < millisecondsMax ? at : nil
        }
    }

    enum Asked {
        case read(StoreKey, request: UInt64)
        /// The next room.
        case next(request: UInt64)
        case write(Write)
        case purge
        /// Whether the bucket is still the same.
        case look
        case watch

        /// What is said where no answer comes, and whether it says anything of the store.
        func unanswered() -> BusEvent? {
            switch self {
            case .read(_, let request), .next(let request):
                .answer(.unreadable, request: request)
            case .write(let write): .answer(.unknown, request: write.request)
            case .purge, .look, .watch: nil
            }
        }
    }

    private var asked: [UInt64: (what: Asked, at: Int64)] = [:]
    private var last: UInt64 = 0

    mutating func add(_ what: Asked, at now: Int64) -> UInt64 {
        last += 1
        asked[last] = (what, now)
        return last
    }

    mutating func take(_ number: UInt64) -> Asked? {
        asked.removeValue(forKey: number)?.what
    }

    /// Takes out what has waited long enough.
    mutating func takeLate(_ now: Int64) -> [Asked] {
        let late = asked.filter { now - $0.value.at >= Self.millisecondsMax }.keys.sorted()
        return late.compactMap { take($0) }
    }

    mutating func takeAll() -> [Asked] {
        defer { asked = [:] }
        return asked.keys.sorted().compactMap { asked[$0]?.what }
    }

    var isLooking: Bool {
        asked.values.contains { if case .look = $0.what { true } else { false } }
    }
}
