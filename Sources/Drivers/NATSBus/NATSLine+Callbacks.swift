import Bytes
import CNats
import Locking

extension NATSLine {
    /// What a subscription is for.
    enum Purpose: UInt8 {
        case answers = 1
        case frames, heartbeats, watch
    }

    /// Where callbacks of a connection bring what comes. They bear its number instead of a pointer:
    /// libnats doesn't say when a connection's last callback has returned, and a number that
    /// nobody knows any more harms nobody.
    enum Callbacks {
        private struct Lines {
            var sinks: [UInt32: any ArrivalSink] = [:]
            /// Of polled ones.
            var sockets: [UInt32: Int32] = [:]
            var last: UInt32 = 0
        }

        private static let lines = Lock(Lines())

        static func enter(_ sink: any ArrivalSink) -> UInt32 {
            lines.withLock { lines in
                lines.last += 1
                lines.sinks[lines.last] = sink
                return lines.last
            }
        }

        static func leave(_ line: UInt32) {
            lines.withLock { lines in
                lines.sinks[line] = nil
                lines.sockets[line] = nil
            }
        }

        static func note(_ socket: Int32, of context: UnsafeMutableRawPointer?) {
            let line = UInt32(truncatingIfNeeded: UInt(bitPattern: context) >> 8)
            lines.withLock { $0.sockets[line] = socket }
        }

        static func socket(of line: UInt32) -> Int32 { lines.withLock { $0.sockets[line] ?? -1 } }

        static func context(_ line: UInt32, _ purpose: Purpose?) -> UnsafeMutableRawPointer? {
            unsafe UnsafeMutableRawPointer(
                bitPattern: UInt(line) << 8 | UInt(purpose?.rawValue ?? 0))
        }

        private static func put(_ context: UnsafeMutableRawPointer?, _ arrival: Arrival) {
            let line = UInt32(truncatingIfNeeded: UInt(bitPattern: context) >> 8)
            lines.withLock { $0.sinks[line] }?.put(arrival, line: line)
        }

        static let closed:
            @Sendable @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?)
                -> Void = { _, context in unsafe put(context, .closed) }

        static let leaving:
            @Sendable @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?)
                -> Void = { _, context in unsafe put(context, .leaving) }

        /// Without one, libnats writes to stderr.
        static let error:
            @Sendable @convention(c) (
                OpaquePointer?, OpaquePointer?, natsStatus, UnsafeMutableRawPointer?
            ) -> Void = { connection, _, status, context in
                var text: UnsafePointer<CChar>?
                guard status == NATS_NOT_PERMITTED else { return }
                _ = unsafe natsConnection_GetLastError(connection, &text)
                guard let text = unsafe text else { return }
                unsafe put(context, .forbidden(ByteText(String(cString: text))))
            }

        static let message:
            @Sendable @convention(c) (
                OpaquePointer?, OpaquePointer?, OpaquePointer?, UnsafeMutableRawPointer?
            ) -> Void = { _, _, message, context in
                let purpose = Purpose(
                    rawValue: UInt8(truncatingIfNeeded: UInt(bitPattern: context)))
                if let purpose, let arrival = unsafe arrival(purpose, message) {
                    unsafe put(context, arrival)
                }
                unsafe natsMsg_Destroy(message)
            }

        static func arrival(_ purpose: Purpose, _ message: OpaquePointer?) -> Arrival? {
            switch purpose {
            case .frames: return .frame(unsafe bytes(message))
            case .heartbeats: return .heartbeat(unsafe bytes(message))
            case .answers:
                guard let request = unsafe UInt64(lastToken(message).string) else { return nil }
                let hasNobody = unsafe natsMsg_IsNoResponders(message)
                return .answer(hasNobody ? nil : unsafe bytes(message), request: request)
            case .watch: return unsafe watched(message).map { .watched($0) }
            }
        }

        private static func watched(_ message: OpaquePointer?) -> WatchedMessage? {
            if unsafe header("Status", of: message) != nil {
                guard let watch = unsafe UInt64(hex: lastToken(message)) else { return nil }
                let last = unsafe header("Nats-Last-Consumer", of: message)?.string
                return .init(watch: watch, content: .beat(last: last.flatMap { UInt64($0) }))
            }
            guard let reply = unsafe natsMsg_GetReply(message),
                let place = unsafe WatchedMessage.Place(ByteText(String(cString: reply)))
            else { return nil }
            let isMark = unsafe header("KV-Operation", of: message) != nil
            return unsafe .init(
                watch: place.watch,
                content: .value(subject(message), isMark ? nil : bytes(message), place))
        }

        // MARK: What a message holds

        private static func bytes(_ message: OpaquePointer?) -> [UInt8] {
            let count = Int(unsafe natsMsg_GetDataLength(message))
            guard count > 0, let data = unsafe natsMsg_GetData(message) else { return [] }
            return unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: count))
        }

        private static func subject(_ message: OpaquePointer?) -> ByteText {
            guard let subject = unsafe natsMsg_GetSubject(message) else { return "" }
            return ByteText(unsafe String(cString: subject))
        }

        private static func lastToken(_ message: OpaquePointer?) -> ByteText {
            unsafe subject(message).split(separator: UInt8(ascii: ".")).last ?? ""
        }

        private static func header(_ name: String, of message: OpaquePointer?) -> ByteText? {
            var value: UnsafePointer<CChar>?
            guard unsafe natsMsgHeader_Get(message, name, &value) == NATS_OK,
                let value = unsafe value
            else { return nil }
            return ByteText(unsafe String(cString: value))
        }
    }
}
