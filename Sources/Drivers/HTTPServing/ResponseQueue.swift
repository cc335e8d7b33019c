import Bytes
import CMicrohttpd
import HTTPMessages

/// Turns our responses into libmicrohttpd's and queues them.
enum ResponseQueue {
    static func send(
        _ response: HTTPResponse, to exchange: Exchange, on connection: OpaquePointer
    ) -> MHD_Result {
        guard let headerBytes = headerBytes(response) else {
            return unsafe send(Refusals.unsendable, to: exchange, on: connection)
        }
        // Where there is no room, libmicrohttpd closes the connection without a word.
        guard headerBytes <= exchange.answerHeaderBytesMax || response.status == 431 else {
            return unsafe send(Refusals.noRoomForAnswer, to: exchange, on: connection)
        }
        let made = unsafe response.body.withUnsafeBytes { bytes in
            // It copies, and never writes to what it is given here.
            unsafe MHD_create_response_from_buffer(
                bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                .RESPMEM_MUST_COPY)
        }
        guard let made = unsafe made else { return .NO }
        defer { unsafe MHD_destroy_response(made) }
        var isGuarded = false
        let fields = response.headers.fields
        for index in fields.indices where !isWrittenAnyway(fields[index]) {
            isGuarded = isGuarded || isGuard(fields[index])
            unsafe add(fields[index], to: made)
        }
        if !isGuarded { unsafe add(sniffGuard, to: made) }
        if exchange.mustClose { unsafe add(close, to: made) }
        return unsafe MHD_queue_response(connection, UInt32(response.status), made)
    }

    /// Of the answer's header; nil where it cannot be sent.
    private static func headerBytes(_ response: HTTPResponse) -> Int? {
        guard (200...599).contains(response.status) else { return nil }
        var bytes = ownHeaderBytes
        let fields = response.headers.fields
        for index in fields.indices {
            guard isSendable(fields[index]) else { return nil }
            bytes += fields[index].name.count + fields[index].value.count + 4
        }
        return bytes
    }

    /// The status line and what libmicrohttpd and `send` add at most.
    private static let ownHeaderBytes = 256

    /// Queues 200 with these fields and the stream as its body; the connection ends with it.
    static func send(
        _ stream: ResponseStream, _ headers: HeaderFields, on connection: OpaquePointer
    ) -> MHD_Result {
        let context = unsafe Unmanaged.passRetained(stream).toOpaque()
        let made = unsafe MHD_create_response_from_callback(
            streamSize, streamPieceMax, ResponseStream.reader, context, ResponseStream.free)
        guard let made = unsafe made else {
            unsafe ResponseStream.free(context)
            return .NO
        }
        defer { unsafe MHD_destroy_response(made) }
        for field in headers.fields { unsafe add(field, to: made) }
        unsafe add(sniffGuard, to: made)
        unsafe add(close, to: made)
        return unsafe MHD_queue_response(connection, 200, made)
    }

    /// `MHD_SIZE_UNKNOWN`.
    private static let streamSize = UInt64.max
    private static let streamPieceMax = 16_384

    /// Queues 101 with exactly these fields, and Date. libmicrohttpd adds `Connection: Upgrade`.
    static func sendUpgrade(
        _ headers: HeaderFields, to exchange: Exchange, on connection: OpaquePointer,
        of worker: Worker
    ) -> MHD_Result {
        guard headers.fields.allSatisfy(isSendable) else {
            return unsafe send(Refusals.unsendable, to: exchange, on: connection)
        }
        let context = unsafe Unmanaged.passUnretained(worker).toOpaque()
        let made = unsafe MHD_create_response_for_upgrade(ServerCallbacks.upgraded, context)
        guard let made = unsafe made else { return .NO }
        defer { unsafe MHD_destroy_response(made) }
        for field in headers.fields where !field.isNamed("Connection") {
            unsafe add(field, to: made)
        }
        return unsafe MHD_queue_response(connection, 101, made)
    }

    /// Copies both into one piece of the stack: as arguments, they would become an array each.
    private static func add(_ field: HeaderFields.Field, to response: OpaquePointer) {
        let nameSize = field.name.utf8.count + 1
        let size = nameSize + field.value.utf8.count + 1
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { text in
            guard let start = text.baseAddress else { return }
            unsafe copy(field.name, to: start)
            unsafe copy(field.value, to: start + nameSize)
            unsafe MHD_add_response_header(response, start, start + nameSize)
        }
    }

    /// With a NUL behind it.
    private static func copy(_ text: ByteText, to out: UnsafeMutablePointer<CChar>) {
        unsafe text.utf8.span.withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(start: out, count: bytes.count)
                .copyMemory(from: bytes)
            unsafe out[bytes.count] = 0
        }
    }

    private static let close = HeaderFields.Field(name: "Connection", value: "close")
    private static let guardName: ByteText = "X-Content-Type-Options"
    private static let sniffGuard = HeaderFields.Field(name: guardName, value: "nosniff")

    private static func isGuard(_ field: HeaderFields.Field) -> Bool {
        field.name.count == 22 && field.isNamed(guardName)
    }

    /// Whether libmicrohttpd writes this field itself.
    private static func isWrittenAnyway(_ field: HeaderFields.Field) -> Bool {
        switch field.name.count {
        case 4: field.isNamed("Date")
        case 14: field.isNamed("Content-Length")
        case 17: field.isNamed("Transfer-Encoding")
        default: false
        }
    }

    /// A line break in a field would end the header early; libmicrohttpd takes no tab either.
    private static func isSendable(_ field: HeaderFields.Field) -> Bool {
        FieldGrammar.isToken(field.name) && field.value.utf8.span.isPrintable(from: 0x20)
    }
}
