import WebSocket

/// What a thread lends to a loop, in place of a copy of each part of it that goes to a socket.
struct LentBytes: Sendable {
    /// A copy of less costs less.
    static let partBytesMin = 512

    private(set) var arrays: [[UInt8]] = []
    /// Of all of them: each is held whole, however little of it is for this loop.
    private(set) var count = 0
    /// Of the parts that are for this loop.
    private(set) var partBytes = 0

    /// Whether it was lent last.
    func isLast(_ bytes: [UInt8]) -> Bool {
        guard let last = arrays.last else { return false }
        return last.span.isIdentical(to: bytes.span)
    }

    mutating func append(_ bytes: [UInt8]) {
        arrays.append(bytes)
        count &+= bytes.count
    }

    mutating func noteFrame(_ bytes: Int) { partBytes &+= bytes }

    /// Moves all of another one behind what is here.
    mutating func take(_ other: inout LentBytes) {
        guard !other.arrays.isEmpty else { return }
        if arrays.isEmpty { return swap(&self, &other) }
        arrays += other.arrays
        count &+= other.count
        partBytes &+= other.partBytes
        other.removeAll()
    }

    mutating func removeAll() { self = LentBytes() }
}

/// A frame's payload that is lent but for its tail, as the bytes of a record.
@safe struct LentPart {
    static let tailBytesMax = 16
    private static let headBytes = 8

    let part: Range<Int>
    let tail: UnsafeRawBufferPointer

    /// Reads what `write` wrote; `bytes` must be a record's.
    init(reading bytes: UnsafeRawBufferPointer) {
        let start = Int(unsafe bytes.loadUnaligned(as: UInt32.self))
        let count = Int(unsafe bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        part = start..<(start + count)
        unsafe tail = UnsafeRawBufferPointer(rebasing: bytes[Self.headBytes...])
    }

    static func length(tail: Span<UInt8>) -> Int { headBytes + tail.count }

    static func write(
        _ part: Range<Int>, _ tail: Span<UInt8>, to room: UnsafeMutableRawPointer
    ) {
        unsafe room.storeBytes(
            of: UInt32(truncatingIfNeeded: part.lowerBound), as: UInt32.self)
        unsafe room.storeBytes(
            of: UInt32(truncatingIfNeeded: part.count), toByteOffset: 4, as: UInt32.self)
        _ = unsafe ServerFrame.copy(tail, to: room + headBytes)
    }

    var frame: ServerFrame { unsafe ServerFrame(.text, payloadLength: part.count &+ tail.count) }

    /// Of the whole frame.
    var frameBytes: Int { unsafe frame.headerLength &+ part.count &+ tail.count }
}

extension Outboxes {
    /// Lends a socket of a loop that there is the payload of a frame; false for want of memory.
    mutating func lend(
        _ part: Range<Int>, of bytes: [UInt8], _ tail: Span<UInt8>, to socket: SocketID
    ) -> Bool {
        let isNext = !self[socket.loop].lent.isLast(bytes)
        let room = unsafe self[socket.loop].begin(
            isNext ? .lentNext : .lent, for: socket, length: LentPart.length(tail: tail))
        guard let room = unsafe room else { return false }
        unsafe LentPart.write(part, tail, to: room)
        if isNext { self[socket.loop].lent.append(bytes) }
        self[socket.loop].lent.noteFrame(part.count &+ tail.count)
        return true
    }
}
