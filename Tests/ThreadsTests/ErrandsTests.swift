import CEpoll
import Glibc
import Locking
import Testing
import Threads

/// docs/architecture.md §3: what knows no time limit, such as getaddrinfo(3), takes no time but
/// that which there is.
@Suite struct ErrandsTests {
    private struct TooLate: Error {}

    private func wait(_ descriptor: Int32, atMost milliseconds: Int32) throws {
        var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&ready, 1, milliseconds) > 0 else { throw TooLate() }
    }

    @Test("What is done in time is given; what is not is left to itself, and so many at most are")
    func left() throws {
        let errands = Errands(named: "test-errand", countMax: 2)
        #expect(try errands.run(waiting: { try wait($0, atMost: 20_000) }) { 7 } == 7)
        // Readable once they may end.
        let end = eventfd(0, Int32(EFD_CLOEXEC))
        defer { close(end) }
        let body: @Sendable () -> Int = {
            var ready = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
            unsafe poll(&ready, 1, 20_000)
            return 8
        }
        for _ in 0..<2 {
            #expect(try errands.run(waiting: { try wait($0, atMost: 10) }, body) == nil)
        }
        #expect(throws: Errands.Failure.tooMany(2)) {
            try errands.run(waiting: { try wait($0, atMost: 10) }, body)
        }
        eventfd_write(end, 1)
        var found: Int?
        while found == nil {
            found = try? errands.run(waiting: { try wait($0, atMost: 20_000) }, body)
        }
        #expect(found == 8)
    }
}
