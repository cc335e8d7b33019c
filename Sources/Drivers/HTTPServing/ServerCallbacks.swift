import CMicrohttpd
import Glibc
import HTTPMessages
import Synchronization

/// The functions that libmicrohttpd calls, on its threads. `cls` is the `Worker` whose thread
/// it is; a request's state is its `Exchange`.
enum ServerCallbacks {
    /// The first line is read: the only sight of the raw target, and the birth of the exchange.
    static let target: usher_mhd_target_callback = { _, text, connection in
        let bytes = unsafe RawText.bytes(text)
        let exchange = unsafe Exchange(
            target: RequestTarget(bytes.bindMemory(to: UInt8.self).span),
            address: UInt(bitPattern: text), length: bytes.count,
            visit: visit(of: connection))
        if HeaderLayout.isKnown { unsafe spareMemory(text, connection) }
        return unsafe Unmanaged.passRetained(exchange).toOpaque()
    }

    /// The name of the field that stands for all cookies. libmicrohttpd shows it beside those that
    /// were sent, and `FieldCollector` knows it by its address.
    private static let hiddenName: StaticString = "Cookie"
    static var hiddenNameAddress: UInt { unsafe UInt(bitPattern: hiddenName.utf8Start) }

    /// Keeps libmicrohttpd from cutting up the query and the cookies, of which it would copy all
    /// and keep an entry for each, in memory that the answer needs; where that has no room for the
    /// query's, it sends two heads. So the query ends at its mark, which nobody reads there any
    /// more, and the first field of that name is an empty one.
    private static func spareMemory(_ text: UnsafePointer<CChar>?, _ connection: OpaquePointer?) {
        if let text = unsafe text, let mark = unsafe strchr(text, Int32(UInt8(ascii: "?"))),
            unsafe mark[1] != 0
        {
            unsafe mark[1] = 0
        }
        unsafe hiddenName.utf8Start.withMemoryRebound(
            to: CChar.self, capacity: hiddenName.utf8CodeUnitCount + 1
        ) { name in
            let empty = unsafe name + hiddenName.utf8CodeUnitCount
            _ = unsafe MHD_set_connection_value(connection, .HEADER_KIND, name, empty)
        }
    }

    /// Nothing is unescaped: paths and queries stay as they were sent.
    static let unescape: usher_mhd_unescape_callback = { _, _, text in
        unsafe text.map { unsafe strlen($0) } ?? 0
    }

    /// Called once behind the header, for each piece of the body, and once at the end.
    static let request: MHD_AccessHandlerCallback = {
        cls, connection, target, method, version, data, size, state in
        guard let cls = unsafe cls, let connection = unsafe connection, let size = unsafe size,
            let raw = unsafe state?.pointee
        else { return .NO }
        let worker = unsafe worker(cls)
        let core = worker.core
        let exchange = unsafe Unmanaged<Exchange>.fromOpaque(raw).takeUnretainedValue()
        if exchange.stage == .fresh {
            core.inFlight.add(1, ordering: .relaxed)
            exchange.isCounted = true
            let line = unsafe RequestLine(
                exchange, target: target, method: method, version: version,
                headerSize: usher_mhd_header_size(connection))
            return unsafe begin(core, exchange, line, connection)
        }
        if unsafe size.pointee > 0 {
            let piece = unsafe UnsafeRawBufferPointer(start: data, count: size.pointee)
            unsafe size.pointee = 0
            let goesOn = unsafe exchange.take(piece, bytesMax: core.configuration.bodyBytesMax)
            return goesOn ? .YES : .NO
        }
        exchange.visit?.noteWholeRequest()
        let outcome = core.answer(exchange) { request in
            unsafe worker.wait(for: request, WaitingRequest(exchange, on: connection))
        }
        switch outcome {
        case nil: return .YES
        case .response(let response):
            return unsafe ResponseQueue.send(
                response, to: exchange, on: connection)
        case .upgrade(let headers, let adopt):
            exchange.adopt = adopt
            return unsafe ResponseQueue.sendUpgrade(
                headers, to: exchange, on: connection, of: worker)
        case .stream(let headers, let next):
            let stream = unsafe ResponseStream(on: connection, of: worker, next: next)
            guard core.streams.add(stream) else {
                return unsafe ResponseQueue.send(
                    Refusals.stopping, to: exchange, on: connection)
            }
            exchange.visit?.mayStay = true
            return unsafe ResponseQueue.send(stream, headers, on: connection)
        }
    }

    /// A connection begins or ends; its socket is closed after the latter.
    static let connected: MHD_NotifyConnectionCallback = { cls, connection, context, what in
        guard let cls = unsafe cls, let connection = unsafe connection,
            let context = unsafe context
        else { return }
        let worker = unsafe worker(cls)
        if what.rawValue == 0 {  // MHD_CONNECTION_NOTIFY_STARTED
            guard let visit = worker.begin() else { return }
            unsafe context.pointee = Unmanaged.passRetained(visit).toOpaque()
        } else if let raw = unsafe context.pointee {
            unsafe context.pointee = nil
            worker.end(unsafe Unmanaged<Visit>.fromOpaque(raw).takeRetainedValue())
        }
    }

    private static func worker(_ cls: UnsafeMutableRawPointer) -> Worker {
        unsafe Unmanaged<Worker>.fromOpaque(cls).takeUnretainedValue()
    }

    private static func visit(of connection: OpaquePointer?) -> Visit? {
        guard let raw = unsafe usher_mhd_visit(connection) else { return nil }
        return unsafe Unmanaged<Visit>.fromOpaque(raw).takeUnretainedValue()
    }

    /// The request is over, well or not: called once for every exchange.
    static let completed: MHD_RequestCompletedCallback = { cls, _, state, _ in
        guard let cls = unsafe cls, let raw = unsafe state?.pointee else { return }
        unsafe state?.pointee = nil
        let exchange = unsafe Unmanaged<Exchange>.fromOpaque(raw).takeRetainedValue()
        let worker = unsafe worker(cls)
        if let visit = exchange.visit { worker.noteAnswer(on: visit) }
        if exchange.isCounted { worker.core.inFlight.subtract(1, ordering: .relaxed) }
    }

    /// 101 is sent: a duplicate of the socket goes to the exchange's adopter, and libmicrohttpd
    /// lets its own go at once, since a connection that it holds costs it 24 KiB. Over TLS the
    /// socket is one end of a pair whose other end libmicrohttpd pumps, and must hold until the
    /// adopter has closed its own.
    static let upgraded: MHD_UpgradeHandler = {
        cls, connection, state, early, earlySize, socket, handle in
        guard let cls = unsafe cls else { return }
        let worker = unsafe worker(cls)
        let duplicate = fcntl(socket, F_DUPFD_CLOEXEC, 3)
        let bytes = unsafe UnsafeRawBufferPointer(start: early, count: early == nil ? 0 : earlySize)
        let earlyBytes = unsafe Array(bytes)  // Before its owner goes.
        let exchange = unsafe state.map {
            unsafe Unmanaged<Exchange>.fromOpaque($0).takeUnretainedValue()
        }
        let adopt = exchange?.adopt
        exchange?.adopt = nil
        if let visit = exchange?.visit {
            visit.mayStay = true
            worker.leave(visit)
        }
        var held: HeldUpgrade?
        if let handle = unsafe handle, unsafe usher_mhd_is_tls(connection) != 0 {
            let descriptor = unsafe usher_mhd_descriptor(connection)
            setNoDelay(descriptor)
            HangupWatch.shared.watch(pair: socket, connection: descriptor)
            held = unsafe HeldUpgrade(
                handle: UpgradeHandle(handle, of: worker), pair: socket)
        } else {
            unsafe usher_mhd_release(handle)
            worker.runAgain()
        }
        guard duplicate >= 0, let adopt else {
            held?.release()
            if duplicate >= 0 { close(duplicate) }
            return
        }
        setNoDelay(duplicate)
        adopt(
            UpgradedSocket(
                descriptor: duplicate, earlyBytes: earlyBytes,
                onClosed: held.map { held -> @Sendable () -> Void in { held.release() } }))
    }

    /// Passes the bare format on: what would fill it may come from a request.
    static let log: MHD_LogCallback = { cls, format, _ in
        guard let cls = unsafe cls, let format = unsafe format else { return }
        let message = unsafe String(cString: format)
        let configuration = unsafe worker(cls).core.configuration
        configuration.log?(
            message.utf8.last == 0x0A ? String(Substring(message.utf8.dropLast())) : message)
    }

    private static func begin(
        _ core: ServerCore, _ exchange: Exchange, _ line: RequestLine,
        _ connection: OpaquePointer
    ) -> MHD_Result {
        let headers = unsafe FieldCollector.headers(of: connection, line.layout)
        let peer = unsafe SocketAddress.text(usher_mhd_peer(connection))
        let refusal = core.begin(exchange, line, headers: headers, peer: peer)
        guard let refusal else { return .YES }
        exchange.visit?.noteWholeRequest()
        return unsafe ResponseQueue.send(refusal, to: exchange, on: connection)
    }

    private static func setNoDelay(_ descriptor: Int32) {
        var one: Int32 = 1  // libmicrohttpd clears it around an upgrade; it is non-blocking still.
        _ = unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one,
            socklen_t(MemoryLayout<Int32>.size))
    }
}

/// libmicrohttpd's side of an upgraded connection.
///
/// `@unchecked Sendable`: the pointer is a constant, and goes to the worker's thread to be used.
@safe struct UpgradeHandle: @unchecked Sendable {
    private let pointer: OpaquePointer
    let worker: Worker

    init(_ pointer: OpaquePointer, of worker: Worker) {
        unsafe self.pointer = pointer
        self.worker = worker
    }

    /// Once, on the worker's thread: told by another, libmicrohttpd might free the connection while
    /// it is being told.
    func release() {
        precondition(worker.isRunningHere, "an upgrade is released on its worker's thread")
        unsafe usher_mhd_release(pointer)
    }
}

/// An upgraded connection that libmicrohttpd has still to do with.
private struct HeldUpgrade: Sendable {
    let handle: UpgradeHandle
    let pair: Int32

    /// Once, on any thread. libmicrohttpd acts on it when its own runs it next.
    func release() {
        HangupWatch.shared.forget(pair: pair)
        handle.worker.release(handle)
    }
}
