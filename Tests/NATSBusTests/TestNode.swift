import Cluster
import Foundation
import Locking
import NATSBus
import Testing

/// A node whose handler does what the test says and keeps what it hears.
final class TestNode: Sendable {
    enum Order: Sendable {
        case read(StoreKey, UInt64)
        case next(Revision, UInt64)
        case write(StoreKey, [UInt8], Revision, UInt64)
        case purge(StoreKey, Revision)
        case listen(Incarnation)
        case send([UInt8], Incarnation)
        case heartbeat([UInt8])
        case nothing
    }

    struct Handler: BusHandler {
        let heard: Heard

        func told(_ note: Order, _ bus: inout some BusOutput & ~Copyable) {
            switch note {
            case .read(let key, let request): bus.read(key, request: request)
            case .next(let revision, let request): bus.next(after: revision, request: request)
            case .write(let key, let bytes, let base, let request):
                bus.write(key, bytes, from: base, request: request)
            case .purge(let key, let revision): bus.purge(key, upTo: revision)
            case .listen(let incarnation): bus.listen(as: incarnation)
            case .send(let frame, let incarnation): bus.send(frame, to: incarnation)
            case .heartbeat(let bytes): bus.heartbeat(bytes)
            case .nothing: break
            }
            heard.change { $0.notes += 1 }
        }

        func heard(_ event: BusEvent, _ bus: inout some BusOutput & ~Copyable) {
            heard.change { $0.events.append(event) }
        }

        func ticked(_ bus: inout some BusOutput & ~Copyable) {
            let now = bus.monotonicMilliseconds
            heard.change { state in
                if let last = state.tickedAt {
                    state.longestTick = max(state.longestTick, now - last)
                }
                state.tickedAt = now
            }
        }

        func turnEnded(_ bus: inout some BusOutput & ~Copyable) {
            heard.change { $0.turns += 1 }
        }
    }

    final class Heard: Sendable {
        struct State {
            var events: [BusEvent] = []
            var notices: [NATSNotice] = []
            var notes = 0
            var turns = 0
            var tickedAt: Int64?
            var longestTick: Int64 = 0
        }

        private let state = Lock(State())

        func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }
        var now: State { state.withLock { $0 } }
    }

    struct TooLate: Error { let events: [BusEvent], notices: [NATSNotice] }

    let heard = Heard()
    let bus: NATSBus<Handler>
    private let requests = Lock<UInt64>(0)

    init(_ configuration: NATSConfiguration) throws(NATSFault) {
        let heard = heard
        bus = try NATSBus(
            configuration, notify: { notice in heard.change { $0.notices.append(notice) } },
            makeHandler: { Handler(heard: heard) })
    }

    /// Started, on the first server that is good.
    static func start(
        _ servers: [NATSProcess], _ cluster: String = TestNode.someCluster(),
        secondsMax: Int = 30, _ change: (inout NATSConfiguration) -> Void = { _ in }
    ) async throws -> TestNode {
        let node = try TestNode(configuration(servers, cluster, change))
        try await node.start(secondsMax: secondsMax)
        return node
    }

    static func configuration(
        _ servers: [NATSProcess], _ cluster: String = TestNode.someCluster(),
        _ change: (inout NATSConfiguration) -> Void = { _ in }
    ) throws -> NATSConfiguration {
        var configuration = NATSConfiguration(
            servers: try servers.map { try $0.server },
            cluster: try #require(ClusterName(cluster)), nodeName: "node \"1\"")
        change(&configuration)
        return configuration
    }

    static func someCluster() -> String {
        "c" + UUID().uuidString.replacingOccurrences(of: "-", with: "").prefix(12)
    }

    /// Off the threads of the tests, since it waits.
    func start(secondsMax: Int = 30) async throws {
        let result = await withCheckedContinuation { continuation in
            Thread.detachNewThread { [self] in
                let result: Result<Void, NATSFault>
                do throws(NATSFault) {
                    result = .success(try bus.start(secondsMax: secondsMax))
                } catch {
                    result = .failure(error)
                }
                continuation.resume(returning: result)
            }
        }
        try result.get()
    }

    /// What a start comes to: nil, or the first fault. The node is stopped after that.
    func outcome() async throws -> NATSFault? {
        async let started: Void = start()
        let found = try await wait { state in
            state.notices.compactMap { notice -> NATSFault?? in
                switch notice {
                case .connected: .some(nil)
                case .waiting(let fault): fault
                default: nil
                }
            }.first
        }
        if found == nil { try await started }
        bus.stop()
        _ = try? await started
        return found
    }

    /// Waits until what was heard gives something.
    func wait<Value>(
        secondsMax: Double = 15, _ find: (Heard.State) -> Value?
    ) async throws -> Value {
        let end = Date() + secondsMax
        while true {
            let state = heard.now
            if let value = find(state) { return value }
            guard Date() < end else {
                throw TooLate(events: state.events, notices: state.notices)
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    func answer(_ order: (UInt64) -> Order) async throws -> StoreAnswer {
        let number = requests.withLock { requests in
            requests += 1
            return requests
        }
        bus.tell(order(number))
        return try await wait { state in
            for event in state.events.reversed() {
                if case .answer(let answer, number) = event { return answer }
            }
            return nil
        }
    }

    func write(_ key: StoreKey, _ text: String, from base: Revision) async throws -> StoreAnswer {
        try await answer { .write(key, Array(text.utf8), base, $0) }
    }

    /// Expects it to be taken.
    func put(_ key: StoreKey, _ text: String, from base: Revision = .absent) async throws
        -> Revision
    {
        let answer = try await write(key, text, from: base)
        guard case .accepted(let revision) = answer else { throw NotTaken(answer: answer) }
        return revision
    }

    struct NotTaken: Error { let answer: StoreAnswer }

    func read(_ key: StoreKey) async throws -> StoreAnswer {
        try await answer { .read(key, $0) }
    }

    /// After a purge, which no read waits for.
    func waitUntilAbsent(_ key: StoreKey) async throws {
        let end = Date() + 15
        while try await read(key) != .found(nil, .absent) {
            guard Date() < end else {
                throw TooLate(events: heard.now.events, notices: heard.now.notices)
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func epoch(after count: Int = 0) async throws -> BucketEpoch {
        try await wait(secondsMax: 40) { state in
            state.events.dropFirst(count).compactMap { event in
                if case .connected(let epoch) = event { epoch } else { nil }
            }.first
        }
    }
}

extension StoreKey {
    static func node(_ number: UInt64) -> StoreKey { .node(Incarnation(raw: number)) }
    static func room(_ number: UInt8) -> StoreKey {
        .room(RoomDigest(bytes: [UInt8](repeating: number, count: 32)))
    }
}

extension [BusEvent] {
    /// What the watch has told, with texts for bytes.
    var watched: [String] {
        compactMap { event in
            switch event {
            case .watched(let key, let bytes, _):
                "\(key): \(bytes.map { String(decoding: $0, as: UTF8.self) } ?? "gone")"
            case .watchedAll: "all"
            case .connected: "connected"
            default: nil
            }
        }
    }
}
