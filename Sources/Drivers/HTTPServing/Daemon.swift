import CMicrohttpd
import Glibc

/// libmicrohttpd's daemon, and the hold on the core that its callbacks point to.
///
/// `@unchecked Sendable`: both pointers are constants, libmicrohttpd's functions may be called
/// from any thread, and `HTTPServer` calls `stop` once, after which nobody has the value.
@safe struct Daemon: @unchecked Sendable {
    private let handle: OpaquePointer
    private let core: Unmanaged<ServerCore>

    /// Starts the threads. Owns `listening` from here on; nil where libmicrohttpd would not start.
    static func start(_ core: ServerCore, listening: Int32) -> Daemon? {
        let held = unsafe Unmanaged.passRetained(core)
        var callbacks = unsafe usher_mhd_callbacks(
            cls: held.toOpaque(), log: ServerCallbacks.log, target: ServerCallbacks.target,
            unescape: ServerCallbacks.unescape, request: ServerCallbacks.request,
            completed: ServerCallbacks.completed, connected: ServerCallbacks.connected)
        var options = unsafe options(core.configuration)
        let started = unsafe usher_mhd_start(
            flags(core.configuration), &callbacks, listening, &options)
        guard let handle = unsafe started else {
            // Its descriptor may be closed by now or not: closing it again could hit another's.
            unsafe held.release()
            return nil
        }
        return unsafe Daemon(handle: handle, core: held)
    }

    /// Joins the threads and closes the connections and the listening socket.
    func stop() {
        unsafe MHD_stop_daemon(handle)
        unsafe core.release()
    }

    private static func flags(_ configuration: HTTPServerConfiguration) -> UInt32 {
        let flags: [MHD_FLAG] = [
            MHD_USE_EPOLL_INTERNAL_THREAD, MHD_USE_ITC, MHD_ALLOW_UPGRADE,
            MHD_ALLOW_SUSPEND_RESUME,
            configuration.tls == nil ? MHD_NO_FLAG : MHD_USE_TLS,
            configuration.log == nil ? MHD_NO_FLAG : MHD_USE_ERROR_LOG,
        ]
        return flags.reduce(0) { $0 | UInt32($1.rawValue) }
    }

    private static func options(_ configuration: HTTPServerConfiguration) -> [MHD_OptionItem] {
        var values: [(MHD_OPTION, Int)] = [
            (.CONNECTION_MEMORY_LIMIT, configuration.headerBytesMax),
            (.CONNECTION_LIMIT, configuration.connectionsMax),
            (.CONNECTION_TIMEOUT, configuration.idleTimeoutSeconds),
            // Strict, it drops a target with a space without an answer: we check it ourselves.
            (.STRICT_FOR_CLIENT, 0),
        ]
        if configuration.connectionsPerAddressMax > 0 {
            values.append(
                (.PER_IP_CONNECTION_LIMIT, configuration.connectionsPerAddressMax))
        }
        if configuration.threads > 1 {  // One is what it has without a pool.
            values.append((.THREAD_POOL_SIZE, configuration.threads))
        }
        var items = unsafe values.map { option, value in
            unsafe MHD_OptionItem(option: option, value: value, ptr_value: nil)
        }
        if let identity = configuration.tls {
            TLSIdentityInUse.replace(identity)
            unsafe items += tlsOptions
        }
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
