import CEpoll
import CNats
import Glibc
import Locking
import Threads

// A line without threads of libnats' own: whoever has it reads and writes its socket. What comes is
// then with the bus thread at once, and not by way of one thread that reads and one that delivers.
// None with TLS: there libnats waits for the rest of a record, and that without an end.
extension NATSLine {
    /// What one read takes at most, in bytes, and so much of both directions is kept ready: as much
    /// as a frame has, which libnats copies once more where it comes in several reads.
    static let readBytesMax: Int32 = 512 << 10
    /// What waits for a server that reads nothing, before the line is given up.
    static let unwrittenMillisecondsMax: Int64 = 500

    /// What libnats would have a loop do. It is done anyway: each turn reads what has come and
    /// writes what is there.
    enum Polling {
        static let attach:
            @Sendable @convention(c) (
                UnsafeMutablePointer<UnsafeMutableRawPointer?>?, UnsafeMutableRawPointer?,
                OpaquePointer?, natsSock
            ) -> natsStatus = { own, loop, _, socket in
                unsafe own?.pointee = unsafe loop
                unsafe Callbacks.note(socket, of: loop)
                return NATS_OK
            }

        static let change: @Sendable @convention(c) (UnsafeMutableRawPointer?, Bool) -> natsStatus =
            { _, _ in
                NATS_OK
            }

        static let detach: @Sendable @convention(c) (UnsafeMutableRawPointer?) -> natsStatus = {
            _ in NATS_OK
        }
    }

    /// How many messages of libnats may wait to be given back, and how many bytes of them.
    private static let spentMax = 256
    private static let spentBytesMax = 2 << 20

    /// Reads once, and takes what has come, the frames last. What libnats keeps of that is given
    /// back later.
    func read(_ take: (Arrival) -> Void) {
        unsafe natsConnection_ProcessReadEvent(connection)
        for purpose in [Purpose.answers, .watch, .heartbeats, .frames] {
            guard let subscription = unsafe subscriptions[purpose] else { continue }
            // To ask for one where there is none is an error, which costs more than to count.
            var count: Int32 = 0
            _ = unsafe natsSubscription_GetPending(subscription, &count, nil)
            while count > 0 {
                count -= 1
                var message: OpaquePointer?
                guard unsafe natsSubscription_NextMsg(&message, subscription, 0) == NATS_OK,
                    let message = unsafe message
                else { break }
                if let arrival = unsafe Callbacks.arrival(purpose, message) { take(arrival) }
                unsafe spent.append(message)
                spentBytes += Int(unsafe natsMsg_GetDataLength(message))
            }
        }
    }

    /// Writes as much as the socket takes.
    func write() {
        guard isPolled else { return }
        if unsafe natsConnection_Buffered(connection) > 0 {
            unsafe natsConnection_ProcessWriteEvent(connection)
        }
        if unsafe spent.count >= Self.spentMax || spentBytes >= Self.spentBytesMax { giveBack() }
    }

    /// Has what was read freed. libnats has a thread for that, which the first of several wakes,
    /// and which then is in the way of whoever comes with the next: so it is done for many at once.
    func giveBack() {
        unsafe spent.forEach { unsafe natsMsg_Destroy($0) }
        unsafe spent.removeAll(keepingCapacity: true)
        spentBytes = 0
    }

    /// How much waits for the socket to take it.
    var unwrittenBytes: Int {
        isPolled ? Int(unsafe natsConnection_Buffered(connection)) : 0
    }
    var isBackedUp: Bool { unwrittenBytes > 0 }
    /// Its socket is no more.
    var isClosed: Bool { unsafe natsConnection_IsClosed(connection) }

    /// As `flush`, which waits for what somebody has to read.
    func flushPolled(millisecondsMax: Int64) {
        let flag = Flag()
        let flushing = try? OwnThread(named: "usher-bus-flush") { [self] in
            _ = unsafe natsConnection_FlushTimeout(connection, millisecondsMax)
            flag.isSet.withLock { $0 = true }
        }
        guard let thread = flushing else { return }
        while !flag.isSet.withLock({ $0 }) {
            write()
            var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&ready, 1, 5) > 0 else { continue }
            unsafe natsConnection_ProcessReadEvent(connection)
        }
        thread.join()
    }

    private final class Flag: Sendable { let isSet = Lock(false) }
}
