import CMicrohttpd
import Glibc

/// libmicrohttpd's daemon without threads and without a listener: whoever runs it is its thread,
/// and gives it the connections.
///
/// `@unchecked Sendable`: both members are constants. It goes to its thread once, which stops it.
@safe struct Daemon: @unchecked Sendable {
    private let handle: OpaquePointer
    /// Readable when it should be run.
    let poll: Int32

    /// nil where libmicrohttpd would not start. `worker` must outlive it.
    static func start(for worker: Worker) -> Daemon? {
        var callbacks = unsafe usher_mhd_callbacks(
            cls: Unmanaged.passUnretained(worker).toOpaque(), log: ServerCallbacks.log,
            target: ServerCallbacks.target, unescape: ServerCallbacks.unescape,
            request: ServerCallbacks.request, completed: ServerCallbacks.completed,
            connected: ServerCallbacks.connected)
        let configuration = worker.core.configuration
        var options = unsafe options(configuration)
        let started = unsafe usher_mhd_start(flags(configuration), &callbacks, &options)
        guard let handle = unsafe started else { return nil }
        return unsafe Daemon(handle: handle, poll: usher_mhd_epoll_descriptor(handle))
    }

    /// Hands a connection over, which libmicrohttpd closes in any case. It copies the address.
    func add(_ descriptor: Int32, _ name: inout sockaddr_storage, _ size: socklen_t) {
        unsafe withUnsafeBytes(of: &name) { bytes in
            _ = unsafe MHD_add_connection(
                handle, descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                size)
        }
    }

    /// Does what can be done without waiting.
    func run() { unsafe MHD_run(handle) }

    /// Milliseconds after which it must be run, whatever its descriptor says.
    var timeout: Int64 {
        var milliseconds: UInt64 = 0
        guard unsafe MHD_get_timeout(handle, &milliseconds) == .YES else { return .max }
        return Int64(clamping: milliseconds)
    }

    /// Closes the connections.
    func stop() { unsafe MHD_stop_daemon(handle) }

    private static func flags(_ configuration: HTTPServerConfiguration) -> UInt32 {
        let flags: [MHD_FLAG] = [
            MHD_USE_EPOLL, MHD_USE_NO_LISTEN_SOCKET, MHD_ALLOW_UPGRADE, MHD_ALLOW_SUSPEND_RESUME,
            configuration.tls == nil ? MHD_NO_FLAG : MHD_USE_TLS,
            configuration.log == nil ? MHD_NO_FLAG : MHD_USE_ERROR_LOG,
        ]
        return flags.reduce(0) { $0 | UInt32($1.rawValue) }
    }

    private static func options(_ configuration: HTTPServerConfiguration) -> [MHD_OptionItem] {
        let values: [(MHD_OPTION, Int)] = [
            (.CONNECTION_MEMORY_LIMIT, configuration.connectionBytes),
            (.CONNECTION_LIMIT, Int(Int32.max)),  // The ledger counts.
            (.CONNECTION_TIMEOUT, configuration.keepaliveSeconds),
            // Strict, it drops a target with a space without an answer: we check it ourselves.
            (.STRICT_FOR_CLIENT, 0),
        ]
        var items = unsafe values.map { option, value in
            unsafe MHD_OptionItem(option: option, value: value, ptr_value: nil)
        }
        if configuration.tls != nil { unsafe items += tlsOptions }
        unsafe items.append(MHD_OptionItem(option: .END, value: 0, ptr_value: nil))
        return unsafe items
    }

    /// TLS 1.2 and 1.3 alone, with what libgnutls holds to be secure.
    private static let priorities: StaticString =
        "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

    private static var tlsOptions: [MHD_OptionItem] {
        let retrieve = unsafe unsafeBitCast(
            TLSIdentityInUse.retrieve, to: UnsafeMutableRawPointer.self)
        let priorities = unsafe UnsafeMutableRawPointer(mutating: priorities.utf8Start)
        return unsafe [
            MHD_OptionItem(option: .HTTPS_CERT_CALLBACK, value: 0, ptr_value: retrieve),
            MHD_OptionItem(option: .HTTPS_PRIORITIES, value: 0, ptr_value: priorities),
        ]
    }
}
