import Admission
import Bytes
import Clients
import Cryptography
import Edge
import Glibc
import HTTPMessages
import HTTPServing
import KeyFollowing
import Locking
import LogWriting
import Logging
import OperatorService
import PublicService
import RegistryFollowing
import Relay
import SocketLoop
import StrictJSON
import WebSocket

/// One running service, from its settings to its end.
struct Site {
    /// Over how long clients spread their return: enough for the next process to start.
    private static let reconnectSecondsMin = 5

    private let settings: ServeSettings
    private let log: ProcessLog
    private var logger: Logger { log.logger }
    /// For the ready line, which nobody need read.
    private let output = LineWriter(descriptor: STDOUT_FILENO)

    init(_ settings: ServeSettings) {
        self.settings = settings
        log = ProcessLog(level: settings.places.logLevel, format: settings.places.logFormat)
    }

    /// Serves until SIGTERM or SIGINT arrives, and stops cleanly.
    ///
    /// Everything that may fail comes before the ports accept; the ports come last, since the
    /// issuer may bear a port that the system picked.
    func run() throws {
        Signals.block()
        defer { log.stop() }
        OpenFiles.raiseLimit()
        // A folder that is not there yet is made with the registry.
        let early = try DataFolderLock.take(.shared, of: settings.data)
        let foundations = try Foundations(settings)
        let lock = try early ?? DataFolderLock.take(.shared, of: settings.data)
        defer { lock?.release() }
        let publicDoor = Door()
        let operatorDoor = Door()
        let edgeDoor = Door()
        let publicServer = try open(settings.listen, \.listen, publicDoor)
        let operatorServer = try open(settings.operatorListen, \.operatorListen, operatorDoor)
        let edgeServer = try settings.places.edgeListen.map { try open($0, \.edgeListen, edgeDoor) }
        let url = Endpoint(address: settings.listen.address, port: publicServer.port)
            .url(isTLS: settings.tls != nil)
        let operatorURL =
            Endpoint(address: settings.operatorListen.address, port: operatorServer.port)
            .url(isTLS: false)
        let ports = [publicServer, operatorServer] + (edgeServer.map { [$0] } ?? [])
        let pass = OperatorPass.make(url: operatorURL)
        let parts = try Wiring(
            settings, foundations, publicURL: url, pass, ports: ports,
            isServing: { publicDoor.isOpen }, log: log
        ).connect()
        parts.directory.start()
        let janitor = Janitor(sweeping: foundations.registry)
        // Whoever looks after the process may see it wait.
        operatorDoor.open(parts.operators.outcome, mayWait: parts.operators.mayWait)
        try parts.relay?.node?.begin()
        // Commands on this machine need it to ask the relay.
        if parts.relay != nil { try pass.write(in: settings.data, of: settings.cluster?.nodeName) }
        defer { pass.remove(in: settings.data, of: settings.cluster?.nodeName) }
        // From here on nothing fails: what is taken off the shelf is not there for another start.
        // A node of a cluster is a member by now.
        if let relay = parts.relay { parts.keeping?.putBack(into: relay.service) }
        if let edge = parts.edge { edgeDoor.open { .response(edge($0)) } }
        publicDoor.open(parts.front.outcome, mayWait: parts.front.mayWait)
        announce(url: url, operatorURL: operatorURL, edgePort: edgeServer?.port)
        let signal = Signals.wait { reload(publicServer, foundations.turnSecret) }
        logger.notice("stopping", metadata: ["signal": "\(signal)"])
        if let relay = parts.relay {
            relay.node?.drain(stopAdmitting: relay.admission.stopAdmitting)
            drain(relay)
            parts.keeping?.shelve(from: relay.service)
            relay.node?.stop()
        }
        publicServer.stop()
        operatorServer.stop()
        edgeServer?.stop()
        janitor.stop()
        foundations.keys.stop()
        parts.directory.stop()
        foundations.registry.finish()
        logger.notice("stopped")
        if let failure = parts.relay?.node?.failure { throw failure }
    }

    /// Refuses newcomers, tells v1 clients to come back, and closes every connection behind all
    /// that was sent to it.
    private func drain(_ relay: SignallingHalf) {
        relay.admission.stopAdmitting()
        relay.service.prepareStop()
        let seconds = settings.limits.drainSeconds
        relay.loops.tell(.draining(withinSeconds: max(seconds, Self.reconnectSecondsMin)))
        relay.loops.stop(closing: .restarting, secondsMax: seconds)
    }

    /// What cannot be read or used changes nothing.
    private func reload(_ server: HTTPServer, _ turnSecret: TURNSecret?) {
        if settings.tls == nil, turnSecret == nil {
            logger.notice("nothing to reload", metadata: ["signal": "SIGHUP"])
        }
        if let tls = settings.tls { reload(tls, of: server) }
        guard let turnSecret else { return }
        do throws(SettingError) {
            try turnSecret.reload()
            logger.notice("turn_secret_reloaded")
        } catch {
            logger.error("turn_secret_not_reloaded", metadata: ["reason": "\(error)"])
        }
    }

    private func reload(_ tls: TLSFiles, of server: HTTPServer) {
        do throws(SettingError) {
            server.replaceTLS(try tls.read())
            logger.notice("tls_certificate_reloaded")
        } catch {
            logger.error("tls_certificate_not_reloaded", metadata: ["reason": "\(error)"])
        }
    }

    private func open(
        _ endpoint: Endpoint, _ port: PortSetting, _ door: Door
    ) throws -> HTTPServer {
        let flag = PlaceSettings()[keyPath: port].flag
        var configuration = HTTPServerConfiguration(
            address: endpoint.address, port: endpoint.port)
        configuration.bodyBytesMax = ViewerRequest.eventBytesMax
        configuration.requestSecondsMax = settings.limits.requestSeconds
        configuration.keepaliveSeconds = settings.limits.keepaliveSeconds
        configuration.headerBytesMax = settings.limits.headerBytes
        configuration.connectionsMax = settings.limits.maxHTTPConnections
        configuration.connectionsPerAddressMax = settings.limits.maxHTTPConnectionsPerAddress
        configuration.exemptProxies = settings.access.trustedProxies
        if port == \.listen { configuration.tls = try settings.tls?.read() }
        configuration.threads = port == \.operatorListen ? 1 : 2
        if port == \.listen, case .database = settings.registry {
            configuration.mayWait = door.mayWait
        }
        if port == \.operatorListen, settings.cluster != nil {
            configuration.mayWait = door.mayWait
        }
        configuration.trustedProxies = port == \.listen ? settings.access.trustedProxies : []
        configuration.onWant = { [log] number in
            log.logger.warning(
                "connections_wait",
                metadata: [
                    "port": "\(flag)",
                    "reason": "\(unsafe String(cString: strerror(number)))",
                    "next": "\(Self.next(number))",
                ])
        }
        configuration.log = { [log] in log.logger.debug("http", metadata: ["message": "\($0)"]) }
        do throws(HTTPServerError) {
            return try HTTPServer(configuration, handler: door.outcome)
        } catch {
            throw CommandFailure("\(flag) \(endpoint): \(error)")
        }
    }

    /// What an operator may do where nobody can be let in.
    private static func next(_ number: Int32) -> String {
        switch number {
        case EMFILE: "raise the hard limit on open files: ulimit -Hn, or LimitNOFILE= of the unit"
        case ENFILE: "raise the system's limit on open files: sysctl fs.file-max"
        default: "give the system more memory"
        }
    }

    private func announce(url: String, operatorURL: String, edgePort: UInt16?) {
        var ready = JSONObject()
        ready["event"] = "ready"
        ready["url"] = .string(url)
        ready["operator"] = .string(operatorURL)
        if let edgePort, let edge = settings.places.edgeListen {
            let endpoint = Endpoint(address: edge.address, port: edgePort)
            ready["edge"] = .string(endpoint.url(isTLS: false))
        }
        output.append(JSONValue.object(ready).serialized() + [0x0A])
        if settings.hasKeysApart {
            let next =
                "where other hosts share the registry, have the keys in it (--master-key-file), or "
                + "give all the same folder"
            logger.notice("keys_of_this_host", metadata: ["next": "\(next)"])
        }
        if settings.access.demo { logger.notice("demo", metadata: ["page": "\(url)/demo/"]) }
        if settings.access.allowPlainHTTP, !settings.listen.isLoopback {
            logger.warning("tokens and secrets travel in the clear: allow-plain-http is set")
        }
    }
}

/// Stands between a port that accepts already and the routes that are not there yet.
private final class Door: Sendable {
    /// A function kept in a mutex by itself would be wrapped once more at every look.
    private struct Routes: Sendable {
        let outcome: @Sendable (HTTPRequest) -> HTTPOutcome
        let mayWait: @Sendable (HTTPRequest) -> Bool
    }

    private let routes = Lock<Routes?>(nil)

    func open(
        _ outcome: @escaping @Sendable (HTTPRequest) -> HTTPOutcome,
        mayWait: @escaping @Sendable (HTTPRequest) -> Bool = { _ in false }
    ) {
        routes.withLock { $0 = Routes(outcome: outcome, mayWait: mayWait) }
    }

    var isOpen: Bool { routes.withLock { $0 != nil } }

    @Sendable func mayWait(_ request: HTTPRequest) -> Bool {
        routes.withLock { $0 }?.mayWait(request) ?? false
    }

    @Sendable func outcome(of request: HTTPRequest) -> HTTPOutcome {
        guard let routes = routes.withLock({ $0 }) else {
            return .response(
                .refusal(
                    503, "starting", "the service is starting", headers: [("Retry-After", "1")]))
        }
        return routes.outcome(request)
    }
}
