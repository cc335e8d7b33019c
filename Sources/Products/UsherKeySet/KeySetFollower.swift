import Locking
import Tokens
import UsherVerifier

/// Keeps a verifier's keys at what the issuer publishes: decides under its lock, fetches outside of
/// it, never twice at a time.
final class KeySetFollower: Sendable {
    struct Ports: Sendable {
        /// Seconds of a clock that never jumps.
        let now: @Sendable () -> Double
        let fetch: @Sendable () async -> Result<KeySetAnswer, KeySetFault>
    }

    private struct Flight {
        let number: UInt64
        let task: Task<Void, Never>
    }

    private struct State {
        var schedule: KeySetSchedule<KeySetFault>
        var flight: Flight?
        var flightCount: UInt64 = 0
        var isStopped = false
    }

    private let verifier: Verifier
    private let ports: Ports
    private let state: Lock<State>

    init(verifier: Verifier, timing: KeySetTiming, ports: Ports) {
        self.verifier = verifier
        self.ports = ports
        state = Lock(State(schedule: KeySetSchedule(timing: timing)))
    }

    /// Sees to it that there is a set to use, and returns its generation; nil where there is none.
    func usableGeneration() async -> UInt64? {
        let now = ports.now()
        let (flight, generation) = state.withLock { state in
            let isFetching = state.flight != nil
            switch state.schedule.advice(at: now, isFetching: isFetching) {
            case .use: return (nil as Flight?, state.schedule.generation as UInt64?)
            case .refuse: return (nil, nil)
            case .useAndFetch:
                _ = takeOff(&state)
                return (nil, state.schedule.generation)
            case .fetchFirst: return (takeOff(&state), nil)
            }
        }
        guard let flight else { return generation }
        await flight.task.value
        let later = ports.now()
        return state.withLock { state in
            state.schedule.usableAge(at: later) == nil ? nil : state.schedule.generation
        }
    }

    /// Whether there is a newer set than that one; asks the issuer, unless it was asked just now.
    func hasNewer(than generation: UInt64) async -> Bool {
        let now = ports.now()
        let flight = state.withLock { state -> Flight? in
            guard state.schedule.generation == generation else { return nil }
            if let flight = state.flight { return flight }
            return state.schedule.mayFetchForUnknownKey(at: now) ? takeOff(&state) : nil
        }
        await flight?.task.value
        return state.withLock { $0.schedule.generation != generation }
    }

    /// Fetches now, or waits for the fetch that is under way; the fault where that failed.
    func refresh() async -> KeySetFault? {
        await state.withLock { takeOff(&$0) }.task.value
        return state.withLock { $0.isStopped ? .cancelled : $0.schedule.lastFault }
    }

    func status() -> RemoteKeySet.Status {
        let now = ports.now()
        let (schedule, fetchCount) = state.withLock { ($0.schedule, $0.flightCount) }
        let age = schedule.usableAge(at: now)
        let condition: RemoteKeySet.Status.Condition =
            if let age {
                age < schedule.timing.ageSecondsMax ? .current : .aged
            } else {
                .unavailable
            }
        return RemoteKeySet.Status(
            condition: condition, keyCount: age == nil ? 0 : verifier.keyCount,
            ageSeconds: age.map { Int64($0) }, fetchCount: fetchCount,
            consecutiveFailures: schedule.failures, lastFault: schedule.lastFault)
    }

    func stop() {
        let flight = state.withLock { state in
            state.isStopped = true
            return state.flight
        }
        flight?.task.cancel()
    }

    /// The flight that is under way, or a new one. It ends by itself: a fetch is bounded in time.
    private func takeOff(_ state: inout State) -> Flight {
        if let flight = state.flight { return flight }
        state.flightCount += 1
        let number = state.flightCount
        let flight = Flight(number: number, task: Task { await self.fly(number) })
        state.flight = flight
        return flight
    }

    private func fly(_ number: UInt64) async {
        let start = ports.now()
        let result = await ports.fetch()
        let verdict = take(result, start: start)
        let end = ports.now()
        state.withLock { state in
            switch verdict {
            case .success(let origin): state.schedule.succeeded(origin: origin, at: end)
            case .failure(let fault): state.schedule.failed(fault, at: end)
            }
            if state.flight?.number == number { state.flight = nil }
        }
    }

    /// Gives the keys to the verifier before anybody is told that they are there. No other flight
    /// is in the air meanwhile, so none can come in between.
    private func take(
        _ result: Result<KeySetAnswer, KeySetFault>, start: Double
    ) -> Result<Double, KeySetFault> {
        do throws(KeySetFault) {
            let answer = try result.get()
            let (schedule, isStopped) = state.withLock { ($0.schedule, $0.isStopped) }
            guard !isStopped else { throw .cancelled }
            let age = answer.ageSeconds
            guard let origin = schedule.origin(start: start, ageSeconds: age) else {
                throw .outdated(ageSeconds: age)
            }
            do throws(VerifierConfigurationError) {
                try verifier.update(keySet: answer.json)
            } catch {
                throw .refused(error)
            }
            return .success(origin)
        } catch {
            return .failure(error)
        }
    }
}
