import Glibc
import Identifiers
import WebSocket

// What a thread asks of sockets that are another's, as records in the outbox for that one's loop.
extension Outboxes {
    /// Asks for something that needs no bytes.
    mutating func add(_ kind: LoopRecord.Kind, for socket: SocketID) {
        guard socket.loop < count else { return }
        _ = unsafe self[socket.loop].begin(kind, for: socket, length: 0)
    }

    mutating func addProbe(of socket: SocketID, secondsMax: Int) {
        guard socket.loop < count else { return }
        let room = unsafe self[socket.loop].begin(.probe, for: socket, length: 8)
        guard let room = unsafe room else { return }
        unsafe room.storeBytes(of: Int64(secondsMax), as: Int64.self)
    }

    /// `payload` is that of a close frame.
    mutating func addClose(of socket: SocketID, _ payload: [UInt8]) {
        guard socket.loop < count else { return }
        let length = payload.count
        let room = unsafe self[socket.loop].begin(.close, for: socket, length: length)
        guard let room = unsafe room else { return }
        unsafe payload.withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(start: room, count: length).copyMemory(from: bytes)
        }
    }

    /// Lest a long turn pile up much for a loop that has time now.
    @inline(__always)
    mutating func postIfLarge(_ loop: Int, _ mailboxes: [Mailbox]) {
        guard self[loop].bytesHeld > Outbox.postedBytesMin else { return }
        self[loop].post(to: mailboxes[loop])
    }

    /// Room for a frame of `total` bytes to a socket of a loop that there is; nil where that socket
    /// must go, for want of memory or since whoever speaks has used up its share.
    @inline(__always)
    mutating func addFrame(
        for socket: SocketID, _ total: Int, isAdmitted: Bool
    ) -> UnsafeMutableRawPointer? {
        if isAdmitted {
            let room = unsafe self[socket.loop].begin(.frame, for: socket, length: total)
            if let room = unsafe room { return unsafe room }
        }
        addClose(of: socket, ClosePayload.overload)
        return nil
    }

    mutating func post(to mailboxes: [Mailbox]) {
        for loop in 0..<count where !self[loop].records.isEmpty {
            self[loop].post(to: mailboxes[loop])
        }
    }
}

extension ClosePayload {
    static var overload: [UInt8] {
        ClosePayload.bytes(.overloaded, reason: "the queue is full".utf8.span)
    }

    static func bytes(_ code: CloseCode, _ reason: StaticString) -> [UInt8] {
        precondition(code.isAllowedInFrames, "RFC 6455 §7.4.1 forbids to send this code")
        let text = unsafe UnsafeBufferPointer(
            start: reason.utf8Start, count: reason.utf8CodeUnitCount)
        return ClosePayload.bytes(code, reason: unsafe text.span)
    }
}

extension ServerFrame {
    /// Writes the header.
    ///
    /// - Returns: Where the payload begins.
    func write(to room: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        switch headerLength {
        case 2:
            let bytes = UInt16(truncatingIfNeeded: headerBytes.low)
            unsafe room.storeBytes(of: bytes, as: UInt16.self)
        case 4:
            let bytes = UInt32(truncatingIfNeeded: headerBytes.low)
            unsafe room.storeBytes(of: bytes, as: UInt32.self)
        default:
            unsafe room.storeBytes(of: headerBytes.low, as: UInt64.self)
            unsafe room.storeBytes(of: headerBytes.high, toByteOffset: 8, as: UInt16.self)
        }
        return unsafe room + headerLength
    }

    /// Writes the header, and a payload made of three pieces.
    func write(
        _ head: Span<UInt8>, _ body: Span<UInt8>, _ tail: Span<UInt8>,
        to room: UnsafeMutableRawPointer
    ) {
        var at = unsafe write(to: room)
        unsafe at = Self.copy(head, to: at)
        unsafe at = Self.copy(body, to: at)
        _ = unsafe Self.copy(tail, to: at)
    }

    static func copy(
        _ bytes: Span<UInt8>, to room: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        guard bytes.count > 0 else { return unsafe room }
        unsafe bytes.withUnsafeBytes { source in
            unsafe UnsafeMutableRawBufferPointer(start: room, count: source.count)
                .copyMemory(from: source)
        }
        return unsafe room + bytes.count
    }
}
