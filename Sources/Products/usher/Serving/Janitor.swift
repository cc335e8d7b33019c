import Clients
import Dispatch

/// Takes out of the registry what has expired, once an hour.
struct Janitor {
    private static let intervalSeconds = 3600
    /// Verifiers allow clocks to differ by 30 seconds; a mark must outlive that.
    private static let leewaySeconds: Int64 = 300

    private let timer: any DispatchSourceTimer

    /// Starts at once: Dispatch does not let go of a timer that never ran.
    init(sweeping registry: any Registry) {
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "janitor"))
        timer.schedule(deadline: .now(), repeating: .seconds(Self.intervalSeconds))
        timer.setEventHandler {
            // A registry that cannot be written now is swept the next time.
            _ = try? registry.purgeExpired(
                atSecondsSinceEpoch: Clock.now() - Self.leewaySeconds)
        }
        timer.activate()
    }

    func stop() { timer.cancel() }
}
