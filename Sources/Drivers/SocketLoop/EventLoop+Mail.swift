import CEpoll
import Glibc
import WebSocket

extension EventLoop {
    /// An inbox that once grew over this is given back.
    private static let inboxBytesKept = 1 << 20

    func watchMailbox() {
        var event = unsafe epoll_event(
            events: EPOLLIN.rawValue, data: epoll_data_t(u64: Self.mailboxKey))
        let status = unsafe epoll_ctl(poll, EPOLL_CTL_ADD, mailboxes[index].event, &event)
        precondition(status == 0, "the first descriptor of an epoll can always be added")
    }

    /// Performs what other loops and threads asked for since the last turn.
    mutating func collectMail<Handler: SocketHandler & ~Copyable>(
        _ handler: inout Handler, _ deliveries: Deliveries<Handler.Admission, Handler.Note>
    ) {
        var mail = ByteQueue()
        swap(&mail, &inbox)
        let stop = mailboxes[index].collect(&mail)
        perform(mail)
        mail.removeAll()
        if mail.capacity <= Self.inboxBytesKept { swap(&mail, &inbox) }
        for item in deliveries.collect() {
            switch item {
            case .socket(let descriptor, let earlyBytes, let admission):
                adopt(descriptor, earlyBytes, admission, &handler)
            case .note(let note):
                handler.told(note, &self)
            }
        }
        if let stop { beginStop(stop) }
    }

    private mutating func perform(_ mail: borrowing ByteQueue) {
        guard let start = unsafe mail.start else { return }
        let count = mail.count
        var at = 0
        while at < count {
            let record = unsafe LoopRecord(reading: start + at)
            at += LoopRecord.headerLength
            let bytes = unsafe UnsafeRawBufferPointer(start: start + at, count: record.length)
            at += record.length
            guard let slot = slots.find(record.socket) else { continue }
            unsafe perform(record.kind, bytes, slot)
        }
    }

    private mutating func perform(
        _ kind: LoopRecord.Kind, _ bytes: UnsafeRawBufferPointer, _ slot: Int
    ) {
        switch kind {
        case .frame:
            guard let room = unsafe reserve(slot, bytes.count) else { return }
            unsafe UnsafeMutableRawBufferPointer(start: room, count: bytes.count)
                .copyMemory(from: bytes)
        case .close:
            let code = unsafe UInt16(bigEndian: bytes.loadUnaligned(as: UInt16.self))
            let payload = unsafe Array(bytes)
            beginClose(slot, CloseCode(rawValue: code), payload, then: .closing)
        case .probe:
            let seconds = unsafe bytes.loadUnaligned(as: Int64.self)
            probe(slot: slot, secondsMax: Int(seconds))
        }
    }

    mutating func postOutboxes() {
        for loop in 0..<outboxes.count where !outboxes[loop].records.isEmpty {
            outboxes[loop].backlogBytes = mailboxes[loop].post(&outboxes[loop].records)
        }
    }

    // MARK: Adopting

    private mutating func adopt<Handler: SocketHandler & ~Copyable>(
        _ descriptor: Int32, _ earlyBytes: [UInt8], _ admission: Handler.Admission,
        _ handler: inout Handler
    ) {
        if let stopping { return turnAway(descriptor, CloseCode(rawValue: stopping.code)) }
        guard let slot = slots.take() else { return turnAway(descriptor, .overloaded) }
        let socket = id(of: slot)
        var event = unsafe epoll_event(
            events: EPOLLIN.rawValue, data: epoll_data_t(u64: socket.raw))
        guard unsafe epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            slots.give(slot)
            return turnAway(descriptor, .overloaded)
        }
        slots[slot].descriptor = descriptor
        slots[slot].interest = 1
        slots[slot].openedAtSeconds = UInt32(truncatingIfNeeded: monotonicSeconds)
        slots[slot].state = .open
        handler.opened(socket, admission, &self)
        guard !earlyBytes.isEmpty else { return }
        let isKept = unsafe earlyBytes.withUnsafeBytes { bytes in
            unsafe slots[slot].partial.append(bytes)
        }
        guard isKept else { return abandon(slot, .lost) }
        takePartial(slot, &handler)
    }

    /// Closes a socket that there is no place for; the close frame is tried once.
    func turnAway(_ descriptor: Int32, _ code: CloseCode) {
        let payload = ClosePayload.bytes(code, reason: "".utf8.span)
        let frame = ServerFrame(.close, payloadLength: payload.count).header + payload
        let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
        unsafe frame.withUnsafeBytes { bytes in
            _ = unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags)
        }
        shutdown(descriptor, Int32(SHUT_WR))
        // What lies unread would turn the close into a reset that eats the close frame.
        unsafe recv(descriptor, scratch, Self.scratchBytes, Int32(MSG_DONTWAIT))
        Glibc.close(descriptor)
    }
}
