import Bytes
import Identifiers
import WebSocket

/// What one loop asks of another for one socket: a header of 16 bytes and `length` bytes more.
struct LoopRecord {
    enum Kind: UInt32 {
        /// Bytes: a whole server frame.
        case frame
        /// Bytes: the payload of a close frame.
        case close
        /// Bytes: the seconds to wait, as `Int64`.
        case probe
        /// No bytes.
        case nudge
        /// No bytes.
        case hold
        /// No bytes.
        case release
        /// No bytes: too much waits at the sockets of its client.
        case overload
        /// Bytes: which part of what was lent is the payload of a frame, and what goes behind it
        /// (`LentPart`).
        case lent
        /// The same of what was lent next.
        case lentNext
    }

    static let headerLength = 16

    let kind: Kind
    let socket: SocketID
    let length: Int

    init(_ kind: Kind, for socket: SocketID, length: Int) {
        self.kind = kind
        self.socket = socket
        self.length = length
    }

    /// Reads a header that `write` wrote; `bytes` must hold it.
    init(reading bytes: UnsafeRawPointer) {
        socket = SocketID(raw: unsafe bytes.loadUnaligned(as: UInt64.self))
        let kind = unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        self.kind = Kind(rawValue: kind) ?? .frame
        length = Int(unsafe bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
    }

    func write(to bytes: UnsafeMutableRawPointer) {
        unsafe bytes.storeBytes(of: socket.raw, as: UInt64.self)
        unsafe bytes.storeBytes(of: kind.rawValue, toByteOffset: 8, as: UInt32.self)
        unsafe bytes.storeBytes(
            of: UInt32(truncatingIfNeeded: length), toByteOffset: 12, as: UInt32.self)
    }
}

/// The records that one loop has for another, until the end of its turn.
struct Outbox: ~Copyable {
    /// Over this the other loop can't keep up: whoever is sent to there is closed with 1013, and
    /// over a quarter, those of a client that has sent another quarter since then.
    static let backlogBytesMax = 64 << 20

    var records = ByteQueue()
    /// Of what records that say `lent` are parts.
    var lent = LentBytes()
    /// What waited in the other's mailbox at the last posting.
    var backlog = Mailbox.Backlog()
    /// What each client put in while the other loop was behind. Each has a quarter, of which this
    /// loop has its part.
    var bytesByClient: [ClientID: Int] = [:]

    /// Records wait here for the end of the turn, unless they are more than this.
    static let postedBytesMin = 1 << 20

    /// Whether the other loop is so far behind that clients have to keep within their shares.
    var isCrowded: Bool { backlog.waiting > Self.backlogBytesMax / 4 }

    /// Whether more may be lent to it: whoever is behind would hold much that is for others.
    var mayBorrow: Bool { backlog.held <= Self.backlogBytesMax / 4 }

    /// Whether a client may put in so many bytes more, which then count against its share; as many
    /// loops as `senders` put in for it.
    mutating func admits(_ total: Int, of client: ClientID, senders: Int) -> Bool {
        let bytes = bytesByClient[client, default: 0] + total
        let share = Self.backlogBytesMax / 4 / max(1, senders)
        guard backlog.waiting <= Self.backlogBytesMax, bytes <= share else { return false }
        bytesByClient[client] = bytes
        return true
    }

    /// Hands the records over.
    mutating func post(to mailbox: Mailbox) {
        backlog = mailbox.post(&records, &lent)
        if !isCrowded { bytesByClient.removeAll() }
    }

    /// What waits here, and what is held for it.
    var bytesHeld: Int { records.count &+ lent.count }

    var isLargeAndIdle: Bool { records.isEmpty && records.capacity > SpareBuffers.capacityMax }

    /// Room for a record's bytes, its header written; nil if there is no memory.
    mutating func begin(
        _ kind: LoopRecord.Kind, for socket: SocketID, length: Int
    ) -> UnsafeMutableRawPointer? {
        guard let start = unsafe records.extend(LoopRecord.headerLength + length) else {
            return nil
        }
        unsafe LoopRecord(kind, for: socket, length: length).write(to: start)
        return unsafe start + LoopRecord.headerLength
    }
}

/// A fixed row of noncopyable outboxes, one a loop, which `Array` can't hold.
///
/// `@unchecked Sendable`: the row has one owner, since it is never copied.
@safe struct Outboxes: ~Copyable, @unchecked Sendable {
    private let base: UnsafeMutablePointer<Outbox>
    let count: Int

    init(count: Int) {
        self.count = count
        unsafe base = .allocate(capacity: count)
        for index in 0..<count { unsafe (base + index).initialize(to: Outbox()) }
    }

    deinit {
        unsafe base.deinitialize(count: count)
        unsafe base.deallocate()
    }

    /// Frees what a busy time left, which is as much as loops squared.
    mutating func freeLargeIdle() {
        for loop in 0..<count where self[loop].isLargeAndIdle { self[loop].records = ByteQueue() }
    }

    subscript(loop: Int) -> Outbox {
        _read {
            precondition(loop >= 0 && loop < count, "no such loop")
            yield unsafe base[loop]
        }
        _modify {
            precondition(loop >= 0 && loop < count, "no such loop")
            yield unsafe &base[loop]
        }
    }
}
