import Clients
import Dispatch
import Glibc
import RegistrySupport
import Testing

@testable import RegistryFollowing

/// docs/architecture.md §3: a follower is woken, and never kept busy.
@Suite struct LookAlarmTests {
    private let queue = DispatchQueue(label: "test follower")

    /// Looks that set the alarm anew, by the queue.
    private final class Follower: @unchecked Sendable {
        let looks = Counter()
        var alarm = LookAlarm()
        let wakeup: RegistryWakeup

        init(_ wakeup: RegistryWakeup) { self.wakeup = wakeup }

        func look(on queue: DispatchQueue) {
            let begin = DispatchTime.now()
            looks.increment()
            alarm.set(by: wakeup, on: queue, after: begin) { self.look(on: queue) }
        }
    }

    private static func newPipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        // Processes that other tests start hold none of them open.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    @Test("What never ends to be readable, as a connection that is over, costs some looks a second")
    func storm() async throws {
        // The other end is closed.
        let (descriptor, end) = try Self.newPipe()
        close(end)
        defer { close(descriptor) }
        for wakeup in [RegistryWakeup.readable(descriptor), .atOnce] {
            let follower = Follower(wakeup)
            queue.sync { follower.look(on: queue) }
            #expect(try await eventually { follower.looks.value > 5 })
            let begin = ContinuousClock.now
            let before = follower.looks.value
            try await Task.sleep(for: .seconds(1))
            let count = Double(follower.looks.value - before)
            let seconds = begin.duration(to: .now) / .seconds(1)
            queue.sync { follower.alarm.cancel() }
            #expect(count <= (seconds + 0.1) * Double(LookAlarm.looksPerSecond))
            let last = follower.looks.value
            try await Task.sleep(for: .milliseconds(100))
            #expect(follower.looks.value == last, "it was cancelled")
        }
    }

    /// A copy can hang up while libdispatch waits for it, which it does not survive.
    @Test("No copy of a descriptor is waited for")
    func copies() async throws {
        let (descriptor, end) = try Self.newPipe()
        defer { close(end) }
        let follower = Follower(.readable(descriptor))
        queue.sync { follower.look(on: queue) }
        close(descriptor)
        #expect(
            try await eventually {
                var writing = pollfd(fd: end, events: 0, revents: 0)
                return unsafe poll(&writing, 1, 0) == 1 && Int32(writing.revents) & POLLERR != 0
            }, "nobody else has the reading end open")
        queue.sync { follower.alarm.cancel() }
    }

    @Test("One look comes of a word, and none without")
    func once() async throws {
        let (descriptor, end) = try Self.newPipe()
        defer { close(end) }
        let follower = Follower(.readable(descriptor))
        queue.sync { follower.look(on: queue) }
        try await Task.sleep(for: .milliseconds(100))
        #expect(follower.looks.value == 1)
        #expect(unsafe write(end, "x", 1) == 1)
        #expect(try await eventually { follower.looks.value > 1 })
        // Whoever made the descriptor may close it at any time.
        close(descriptor)
        queue.sync { follower.alarm.cancel() }
        let never = Follower(.never)
        queue.sync { never.look(on: queue) }
        try await Task.sleep(for: .milliseconds(100))
        #expect(never.looks.value == 1)
    }
}
