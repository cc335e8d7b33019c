import Bytes
import CEpoll
import Glibc
import Locking

/// What comes to the bus thread from others.
enum Arrival: Sendable {
    /// To a request of this number; nil where nobody listens to what was asked.
    case answer([UInt8]?, request: UInt64)
    case frame([UInt8])
    case heartbeat([UInt8])
    case watched(WatchedMessage)
    /// libnats has given the connection up.
    case closed
    /// The server is about to stop.
    case leaving
    /// The server lets these credentials not do something: in its words, which name the subject.
    case forbidden(ByteText)
    /// An attempt to connect has a connection, and asks what is behind it.
    case opened(NATSLine, attempt: Int)
    /// What came of an attempt to connect; where nothing did, with the connection that it had.
    case dialled(Result<Dialled, NATSFault>, lent: NATSLine?, attempt: Int)

    /// What comes again by itself, and may be passed over where too much waits.
    fileprivate var droppableBytes: Int {
        switch self {
        // Empty ones take room as well.
        case .frame(let bytes), .heartbeat(let bytes): bytes.count + 64
        default: 0
        }
    }
}

/// Where a connection's callbacks put what they bring.
protocol ArrivalSink: AnyObject, Sendable {
    /// Never blocks. `line` is the connection's number; 0 for what comes of none.
    ///
    /// - Returns: False where nobody will collect it.
    @discardableResult
    func put(_ arrival: Arrival, line: UInt32) -> Bool
}

/// The door of the bus thread.
final class BusMailbox<Note: Sendable>: ArrivalSink {
    struct Batch: Sendable {
        var arrivals: [(line: UInt32, arrival: Arrival)] = []
        var notes: [Note] = []
        var isStopping = false
    }

    private struct Contents {
        var batch = Batch()
        /// Of what may be dropped.
        var bytes = 0
        var isWoken = false
        var isClosed = false
    }

    /// Whoever floods a node's subjects costs it no more memory than that.
    private static var droppableBytesMax: Int { 64 << 20 }

    /// Readable when something was put in.
    private let event: Int32
    private let contents = Lock(Contents())

    /// - Throws: `.noThread`.
    init() throws(NATSFault) {
        event = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        guard event >= 0 else { throw .noThread }
    }

    deinit { Glibc.close(event) }

    func put(_ arrival: Arrival, line: UInt32) -> Bool {
        change { contents in
            let bytes = arrival.droppableBytes
            guard bytes == 0 || contents.bytes + bytes <= Self.droppableBytesMax else { return }
            contents.bytes += bytes
            contents.batch.arrivals.append((line, arrival))
        }
    }

    func tell(_ notes: [Note]) {
        _ = change { $0.batch.notes += notes }
    }

    func tell(_ note: Note) {
        _ = change { $0.batch.notes.append(note) }
    }

    func requestStop() {
        _ = change { $0.batch.isStopping = true }
    }

    /// False once it is closed.
    private func change(_ body: (inout Contents) -> Void) -> Bool {
        let (isOpen, mustWake) = contents.withLock { contents in
            guard !contents.isClosed else { return (false, false) }
            body(&contents)
            defer { contents.isWoken = true }
            return (true, !contents.isWoken)
        }
        if mustWake {
            var one: UInt64 = 1
            _ = unsafe write(event, &one, 8)
        }
        return isOpen
    }

    /// Waits until something is there, or comes to the line, which takes what it was given, or so
    /// long.
    ///
    /// - Returns: Whether something is here, and whether it is at the line.
    func wait(millisecondsMax: Int64, beside line: NATSLine?) -> (isHere: Bool, isThere: Bool) {
        var here = pollfd(fd: event, events: Int16(POLLIN), revents: 0)
        var there = pollfd(fd: -1, events: Int16(POLLIN), revents: 0)
        if let line, !line.isClosed {
            there.fd = line.descriptor
            if line.isBackedUp { there.events |= Int16(POLLOUT) }
        }
        var both = (here, there)
        _ = unsafe withUnsafeMutablePointer(to: &both) { both in
            unsafe both.withMemoryRebound(to: pollfd.self, capacity: 2) { both in
                unsafe poll(both, 2, Int32(clamping: max(millisecondsMax, 0)))
            }
        }
        (here, there) = both
        return (here.revents != 0, there.revents != 0)
    }

    /// Takes what is there.
    func collect() -> Batch {
        var value: UInt64 = 0
        _ = unsafe read(event, &value, 8)
        return contents.withLock { contents in
            contents.isWoken = false
            contents.bytes = 0
            let batch = contents.batch
            contents.batch = Batch()
            contents.batch.isStopping = batch.isStopping
            return batch
        }
    }

    /// Takes nothing any more.
    ///
    /// - Returns: What nobody has collected.
    func close() -> Batch {
        contents.withLock { contents in
            contents.isClosed = true
            defer { contents.batch = Batch() }
            return contents.batch
        }
    }
}
