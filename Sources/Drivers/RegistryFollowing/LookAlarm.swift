import CEpoll
import Clients
import Dispatch
import Glibc

/// Has a look come about as soon as a registry tells that it is worth it: once for each look, and
/// not too soon after the one before, so that neither a storm of changes nor a connection that is
/// over keeps a thread busy.
///
/// Belongs to one serial queue.
struct LookAlarm {
    static let looksPerSecond = 50
    /// A look that took long leaves that many times as long to others; in nanoseconds.
    private static let rest: (times: UInt64, least: UInt64, most: UInt64) = (
        4, 1_000_000_000 / UInt64(looksPerSecond), 50_000_000
    )

    private var source: (any DispatchSourceRead)?
    private var due: DispatchWorkItem?

    /// Waits for the next word of a change, in place of any that it waited for.
    ///
    /// `begin` is when the look began that is over now. `look` is called on the queue.
    mutating func set(
        by wakeup: RegistryWakeup, on queue: DispatchQueue, after begin: DispatchTime,
        _ look: @escaping @Sendable () -> Void
    ) {
        cancel()
        // Of a file nobody tells: a look there costs nothing beside itself.
        guard wakeup != .never else { return }
        let now = DispatchTime.now()
        let took = now.uptimeNanoseconds - begin.uptimeNanoseconds
        let rest = DispatchTime(
            uptimeNanoseconds: now.uptimeNanoseconds
                + min(max(took &* Self.rest.times, Self.rest.least), Self.rest.most))
        let item = DispatchWorkItem(block: look)
        due = item
        guard case .readable(let descriptor) = wakeup else {
            queue.asyncAfter(deadline: rest, execute: item)
            return
        }
        guard let own = Self.poll(of: descriptor) else { return }
        let source = DispatchSource.makeReadSource(fileDescriptor: own, queue: queue)
        source.setEventHandler {
            source.cancel()
            queue.asyncAfter(deadline: max(rest, .now()), execute: item)
        }
        source.setCancelHandler { close(own) }
        self.source = source
        source.resume()
    }

    /// A descriptor of its own, since the other one is closed by whoever made it; to be closed. An
    /// epoll set and no copy: libdispatch reads what it has freed where a descriptor hangs up
    /// (swift-corelibs-libdispatch, issue 949), and a set is never more than readable.
    private static func poll(of descriptor: Int32) -> Int32? {
        let poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard poll >= 0 else { return nil }
        var event = unsafe epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: 0))
        guard unsafe epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            close(poll)
            return nil
        }
        return poll
    }

    /// Nothing that it waited for has a look come about any more.
    mutating func cancel() {
        source?.cancel()
        due?.cancel()
        (source, due) = (nil, nil)
    }
}
