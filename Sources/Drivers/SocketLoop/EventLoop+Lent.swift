import CEpoll
import Glibc
import Monitoring
import WebSocket

// Frames whose payloads are lent. Several to one socket in a row go from where they lie, in one
// write, unless something is before them: they are queued as far as the kernel takes no more.
extension EventLoop {
    /// For fewer, a write of their own may cost more than the copy.
    private static let inPlaceMin = 4
    private static let inPlaceMax = 64

    /// Passes on what goes to the socket of the first record, up to a record of another kind.
    ///
    /// - Returns: How many bytes these records take.
    mutating func passOn(_ records: UnsafeRawBufferPointer, of bytes: [UInt8]) -> Int {
        guard let start = records.baseAddress else { return records.count }
        let socket = unsafe LoopRecord(reading: start).socket
        var (length, count, total) = (0, 0, 0)
        repeat {
            let part = unsafe Self.part(start, at: &length)
            count += 1
            total += part.frameBytes
        } while unsafe count < Self.inPlaceMax && length < records.count
            && Self.goesOn(start + length, to: socket)
        guard let slot = slots.find(socket) else { return length }
        var sent = 0
        if count >= Self.inPlaceMin, total <= outboundBytesMax, isFree(slot) {
            sent = unsafe sendInPlace(slot, start, count, bytes)
            figures.bytesSent &+= sent
        }
        var at = 0
        while at < length, sent < total, slots[slot].state == .open {
            let part = unsafe Self.part(start, at: &at)
            let left = part.frameBytes - sent
            if sent == 0 {
                queue(part, slot, bytes)
            } else if left > 0 {
                queueRest(left, of: part, slot, bytes)
            }
            sent = max(0, -left)
            total -= part.frameBytes
        }
        return length
    }

    /// The part that the record at this place has; the place is that of the next one then.
    private static func part(_ start: UnsafeRawPointer, at place: inout Int) -> LentPart {
        let record = unsafe LoopRecord(reading: start + place)
        place += LoopRecord.headerLength
        let bytes = unsafe UnsafeRawBufferPointer(start: start + place, count: record.length)
        place += record.length
        return unsafe LentPart(reading: bytes)
    }

    private static func goesOn(_ start: UnsafeRawPointer, to socket: SocketID) -> Bool {
        let record = unsafe LoopRecord(reading: start)
        return record.kind == .lent && record.socket == socket
    }

    /// Nothing is before what is sent now.
    private func isFree(_ slot: Int) -> Bool {
        slots[slot].output.isEmpty && !slots[slot].isDirty && !slots[slot].isBlocked
    }

    // MARK: Queueing

    private mutating func queue(_ part: LentPart, _ slot: Int, _ bytes: [UInt8]) {
        guard let room = unsafe reserve(slot, part.frameBytes) else { return }
        unsafe Self.copy(part, bytes, from: 0, to: room)
    }

    /// The end of a frame that was begun: it is no more to be refused.
    private mutating func queueRest(
        _ left: Int, of part: LentPart, _ slot: Int, _ bytes: [UInt8]
    ) {
        if slots[slot].output.capacity == 0 { slots[slot].output = spare.take() }
        guard let room = unsafe slots[slot].output.extend(left) else {
            return abandon(slot, .lost)
        }
        unsafe Self.copy(part, bytes, from: part.frameBytes - left, to: room)
        slots[slot].begunFrameBytes = UInt32(truncatingIfNeeded: left)
        bytesInTurn &+= left
        markDirty(slot)
    }

    /// Copies a frame but for its first bytes.
    private static func copy(
        _ part: LentPart, _ bytes: [UInt8], from first: Int, to room: UnsafeMutableRawPointer
    ) {
        unsafe withUnsafeTemporaryAllocation(byteCount: ServerFrame.headerLengthMax, alignment: 8) {
            let header = unsafe $0
            guard let start = header.baseAddress else { return }
            let frame = part.frame
            _ = unsafe frame.write(to: start)
            var (skipped, at) = unsafe (first, room)
            func put(_ piece: UnsafeRawBufferPointer) {
                let rest = unsafe piece.dropFirst(skipped)
                skipped -= unsafe piece.count - rest.count
                unsafe UnsafeMutableRawBufferPointer(start: at, count: rest.count)
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest))
                unsafe at += rest.count
            }
            unsafe put(UnsafeRawBufferPointer(rebasing: header[..<frame.headerLength]))
            unsafe bytes.withUnsafeBytes {
                unsafe put(UnsafeRawBufferPointer(rebasing: $0[part.part]))
            }
            unsafe put(part.tail)
        }
    }

    // MARK: Sending

    /// Sends frames whose records begin there, as far as the kernel takes them now; what keeps it
    /// from that, whoever sends the rest will meet.
    ///
    /// - Returns: How many bytes it took.
    private func sendInPlace(
        _ slot: Int, _ start: UnsafeRawPointer, _ count: Int, _ bytes: [UInt8]
    ) -> Int {
        let descriptor = slots[slot].descriptor
        let jointMax = ServerFrame.headerLengthMax + LentPart.tailBytesMax
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe withUnsafeTemporaryAllocation(byteCount: count * jointMax, alignment: 8) {
                joints in
                unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2 * count + 1) {
                    let pieces = unsafe $0
                    unsafe Self.lay(out: pieces, joints, start, count, bytes)
                    var message = unsafe msghdr()
                    unsafe message.msg_iov = pieces.baseAddress
                    unsafe message.msg_iovlen = pieces.count
                    let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
                    return max(0, unsafe sendmsg(descriptor, &message, flags))
                }
            }
        }
    }

    /// A payload lies in what is lent, and between two of them the tail of the one and the header
    /// of the other, in `joints`.
    private static func lay(
        out pieces: UnsafeMutableBufferPointer<iovec>, _ joints: UnsafeMutableRawBufferPointer,
        _ start: UnsafeRawPointer, _ count: Int, _ bytes: UnsafeRawBufferPointer
    ) {
        guard let joint = joints.baseAddress, let source = bytes.baseAddress else {
            return
        }
        var (at, place, begun) = (0, 0, 0)
        for index in 0..<count {
            let part = unsafe Self.part(start, at: &place)
            let frame = part.frame
            _ = unsafe frame.write(to: joint + at)
            at += frame.headerLength
            unsafe pieces[2 * index] = unsafe iovec(iov_base: joint + begun, iov_len: at - begun)
            let lent = part.part
            unsafe pieces[2 * index + 1] = unsafe iovec(
                iov_base: UnsafeMutableRawPointer(mutating: source + lent.lowerBound),
                iov_len: lent.count)
            begun = at
            unsafe UnsafeMutableRawBufferPointer(start: joint + at, count: part.tail.count)
                .copyMemory(from: part.tail)
            at += unsafe part.tail.count
        }
        unsafe pieces[2 * count] = unsafe iovec(iov_base: joint + begun, iov_len: at - begun)
    }
}
