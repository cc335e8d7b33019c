import CMicrohttpd
import Dispatch
import HTTPMessages
import Locking

/// A response whose body goes on: one piece, a pause, the next. Between two pieces libmicrohttpd
/// holds the connection suspended, which costs no thread.
///
/// `@unchecked Sendable`: the connection's pointer is a constant. It is used only while the state
/// says that the connection is suspended, which keeps libmicrohttpd from closing it, or on
/// libmicrohttpd's own thread.
@safe final class ResponseStream: @unchecked Sendable {
    private struct State {
        var piece: ArraySlice<UInt8> = []
        var isDue = true
        var isSuspended = false
        var isOver = false
    }

    /// What libmicrohttpd takes for the end of a body (`MHD_CONTENT_READER_END_OF_STREAM`).
    private static let end = -1
    static let pauseMilliseconds = 1000

    private let connection: OpaquePointer
    private let next: @Sendable () -> [UInt8]?
    private let worker: Worker
    private let state = Lock(State())

    init(
        on connection: OpaquePointer, of worker: Worker,
        next: @escaping @Sendable () -> [UInt8]?
    ) {
        unsafe self.connection = connection
        self.worker = worker
        self.next = next
    }

    /// Copies what there is of the current piece, or asks for the next one, or suspends.
    static let reader: MHD_ContentReaderCallback = { context, _, buffer, sizeMax in
        guard let context = unsafe context, let buffer = unsafe buffer else { return end }
        let stream = unsafe Unmanaged<ResponseStream>.fromOpaque(context).takeUnretainedValue()
        let out = unsafe UnsafeMutableRawBufferPointer(start: buffer, count: sizeMax)
        return unsafe stream.fill(out)
    }

    static let free: MHD_ContentReaderFreeCallback = { context in
        guard let context = unsafe context else { return }
        let stream = unsafe Unmanaged<ResponseStream>.fromOpaque(context).takeRetainedValue()
        stream.worker.core.streams.remove(stream)
    }

    private func fill(_ out: UnsafeMutableRawBufferPointer) -> Int {
        if state.withLock({ $0.piece.isEmpty && $0.isDue && !$0.isOver }) {
            let piece = next()  // Without the lock: it may take its time.
            state.withLock { state in
                state.isDue = false
                state.piece = piece.map { $0[...] } ?? []
                state.isOver = state.isOver || piece == nil
            }
        }
        return state.withLock { state in
            guard !state.isOver || !state.piece.isEmpty else { return Self.end }
            guard state.piece.isEmpty else {
                let part = state.piece.prefix(out.count)
                unsafe out.copyBytes(from: part)
                state.piece = state.piece.dropFirst(part.count)
                return part.count
            }
            state.isSuspended = true
            unsafe MHD_suspend_connection(connection)
            worker.core.streams.resumeLater(self)
            return 0
        }
    }

    /// Lets the next piece come.
    func resume() {
        state.withLock { state in
            guard state.isSuspended else { return }
            state.isSuspended = false
            state.isDue = true
            unsafe MHD_resume_connection(connection)
            worker.wake()
        }
    }

    /// Ends the body at once.
    func finish() {
        state.withLock { $0.isOver = true }
        resume()
    }
}

/// The streams of a server.
final class ResponseStreams: Sendable {
    private struct State {
        var streams: [ObjectIdentifier: ResponseStream] = [:]
        var isStopped = false
    }

    private let state = Lock(State())
    private let queue = DispatchQueue(label: "usher-streams")

    /// False once the server stops.
    func add(_ stream: ResponseStream) -> Bool {
        state.withLock { state in
            guard !state.isStopped else { return false }
            state.streams[ObjectIdentifier(stream)] = stream
            return true
        }
    }

    func remove(_ stream: ResponseStream) {
        state.withLock { $0.streams[ObjectIdentifier(stream)] = nil }
    }

    func resumeLater(_ stream: ResponseStream) {
        let pause = DispatchTimeInterval.milliseconds(ResponseStream.pauseMilliseconds)
        queue.asyncAfter(deadline: .now() + pause) { stream.resume() }
    }

    /// Ends them all, and refuses further ones: libmicrohttpd must not stop with connections that
    /// are suspended.
    func stop() {
        let streams = state.withLock { state in
            state.isStopped = true
            return Array(state.streams.values)
        }
        for stream in streams { stream.finish() }
    }
}
