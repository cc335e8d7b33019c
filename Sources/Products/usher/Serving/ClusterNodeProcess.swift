import Cluster
import Dispatch
import Glibc
import Locking
import Logging
import NATSBus
import Relay
import Signalling
import SocketLoop

/// This process as a node of a cluster: the bus, what is said of it in the log, and its end where
/// it may not take part.
final class ClusterNodeProcess: Sendable {
    typealias Handler = ClusterHandler<Postman>

    /// How long an operator waits for other nodes.
    private static let kickSecondsMax = 3
    /// How long a node that stops waits until the others know.
    private static let farewellSecondsMax = 5

    private let place: ClusterPlace
    private let service: Relay
    private let bus: NATSBus<Handler>
    /// How long a node that starts waits until it is one.
    private static let joinSecondsMax = 60

    private let refusal = Held<ClusterRefusal?>(nil)
    private let isReady = Held(false)
    private let hasLeft = DispatchSemaphore(value: 0)
    private let hasJoined = DispatchSemaphore(value: 0)

    /// What one thread leaves for another.
    private final class Held<Value: Sendable>: Sendable {
        let value: Lock<Value>
        init(_ value: Value) { self.value = Lock(value) }
    }

    /// - Throws: What is wrong with what was set.
    init(
        _ place: ClusterPlace, _ configuration: ClusterNode.Configuration, _ incarnation: UInt64,
        _ service: Relay, _ loops: SocketLoops<RelayHandler>, _ line: BusLine, log: ServiceLog
    ) throws {
        self.place = place
        self.service = service
        let report = StandingReport(log: log)
        let ports = ClusterPorts(
            tellLoop: { note, loop in loops.tell(note, loop: loop) },
            tellLoops: { loops.tell($0) },
            stands: { [hasLeft, hasJoined, isReady, refusal] standing in
                report.note(standing)
                switch standing {
                case .left: hasLeft.signal()
                case .member: hasJoined.signal()
                case .refused(let why):
                    refusal.value.withLock { $0 = why }
                    hasJoined.signal()
                    // As an operator would stop it: the main thread waits for that.
                    if isReady.value.withLock({ $0 }) { kill(getpid(), SIGTERM) }
                default: break
                }
            })
        do throws(NATSFault) {
            bus = try NATSBus(try place.configuration(), notify: report.note) {
                service.makeClusterHandler(
                    ClusterNode(configuration, Incarnation(raw: incarnation)), ports,
                    loops.makePostman())
            }
        } catch {
            throw CommandFailure("--cluster: \(error)")
        }
        line.connect { [bus] in bus.tell($0) }
    }

    /// Starts, as `start` and `serve`; a signal ends the process meanwhile.
    func begin() throws {
        try Signals.heeding(start)
        try serve()
    }

    /// Waits until NATS is there, for half a minute, and until this is a node of the cluster.
    private func start() throws {
        do throws(NATSFault) {
            try bus.start()
        } catch {
            throw CommandFailure("--cluster: \(error)")
        }
        let result = hasJoined.wait(timeout: .now() + .seconds(Self.joinSecondsMax))
        if let failure { throw failure }
        guard case .success = result else {
            throw CommandFailure(
                "this node is not part of the cluster \(place.name) after \(Self.joinSecondsMax) "
                    + "seconds (\(service.standing?.trouble ?? "")): see whether the servers of "
                    + "NATS agree among each other (nats server check jetstream)")
        }
    }

    /// From now on a refusal ends the process as an operator would.
    private func serve() throws {
        isReady.value.withLock { $0 = true }
        if let failure { throw failure }
    }

    /// Closes a connection of whatever node; false where there is none.
    @Sendable func kick(_ connection: ConnectionID) -> Bool {
        let answered = DispatchSemaphore(value: 0)
        let wasThere = Held(false)
        service.kick(connection) { answer in
            wasThere.value.withLock { $0 = answer }
            answered.signal()
        }
        _ = answered.wait(timeout: .now() + .seconds(Self.kickSecondsMax))
        return wasThere.value.withLock { $0 }
    }

    /// Leaves, once nobody is here any more.
    func stop() {
        // No process waits for its sessions, if the shelf has not ended them already.
        _ = service.shelve()
        service.farewell()
        _ = hasLeft.wait(timeout: .now() + .seconds(Self.farewellSecondsMax))
        bus.stop()
    }

    /// Why the process ends, where the others don't take it for a node.
    var failure: CommandFailure? {
        refusal.value.withLock { $0 }.map { CommandFailure(Self.text($0, place)) }
    }

    private static func text(_ refusal: ClusterRefusal, _ place: ClusterPlace) -> String {
        switch refusal {
        case .nameTaken:
            "a node called \(place.nodeName) runs in the cluster \(place.name): give this one "
                + "another --node-name, or stop that one"
        case .differs(let setting, let other):
            "--\(setting) is not what it is at the node \(Printable.text(other)): all nodes of a "
                + "cluster need the same"
        case .formatTooNew:
            "the cluster \(place.name) has rooms in a format that is newer than this usher: run "
                + "the version that its other nodes run"
        }
    }
}

extension ClusterPlace {
    func configuration() throws(NATSFault) -> NATSConfiguration {
        var servers: [NATSServer] = []
        for server in self.servers { servers.append(try NATSServer(server)) }
        guard let name = ClusterName(name) else {
            preconditionFailure("a name was checked when it was set")
        }
        var configuration = NATSConfiguration(servers: servers, cluster: name, nodeName: nodeName)
        configuration.credentialsFile = credentials
        configuration.authorityFile = authority
        configuration.allowsGroup = allowsGroup
        return configuration
    }
}

/// What the log says of a node's standing and of its bus.
private struct StandingReport: Sendable {
    let log: ServiceLog

    func note(_ standing: NodeStanding) {
        switch standing {
        case .joining(let code): log.write("cluster_joining", [("code", code.text)])
        case .member: log.write("cluster_joined", [], at: .notice)
        case .cutOff: log.write("cluster_cut_off", [("code", "cluster_unreachable")], at: .warning)
        case .lost: log.write("cluster_lost", [("code", "cluster_lost")], at: .error)
        case .condemned: log.write("cluster_declared_dead", [], at: .warning)
        case .left: log.write("cluster_left", [], at: .notice)
        case .refused: log.write("cluster_refused", [], at: .error)
        }
    }

    @Sendable func note(_ notice: NATSNotice) {
        switch notice {
        case .connected(let server, let version):
            log.write(notice.code, [("server", server), ("version", version)], at: .notice)
        case .disconnected(let fault), .waiting(let fault):
            log.write(notice.code, [("code", fault.code), ("reason", "\(fault)")], at: .warning)
        case .bucketMade(let replicas):
            log.write(notice.code, [("replicas", "\(replicas)")], at: .notice)
        case .bucketDiffers(let what): log.write(notice.code, [("reason", what)], at: .warning)
        case .tooLong(let bytes): log.write(notice.code, [("bytes", "\(bytes)")], at: .warning)
        case .forbidden(let what): log.write(notice.code, [("reason", what)], at: .warning)
        case .dropped: log.write(notice.code, [], at: .warning)
        }
    }
}
