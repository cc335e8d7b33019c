import Bytes
import Cluster
import Dispatch
import Glibc
import Locking
import Logging
import NATSBus
import OperatorService
import Relay
import Signalling
import SocketLoop

/// This process as a node of a cluster: the bus, what is said of it in the log, and its end where
/// it may not take part.
final class ClusterNodeProcess: Sendable {
    typealias Handler = ClusterHandler<Postman>

    /// How long an operator waits, should the bus' thread not come to it.
    private static let kickSecondsMax = 5
    /// How long a node that stops waits until the others know.
    private static let farewellSecondsMax = 5

    private let place: ClusterPlace
    private let service: Relay
    private let log: ServiceLog
    private let bus: NATSBus<Handler>
    /// How long a node that starts waits until it is one.
    private static let joinSecondsMax = 60

    /// How long a node that stops waits until others have its sessions: some may wait for answers
    /// of a node that is silent, until it is known to be dead.
    private static let handOverSecondsMax = 15

    private let pending = PendingAnswers()
    private let rooms: RoomsOfAllNodes
    private let isDraining = Held(false)
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
        self.log = log
        rooms = RoomsOfAllNodes(
            pending, list: { service.list(.all, answer: $0) },
            written: { listed in
                service.rooms(with: listed).serialized((service.clusterFigures ?? .init()).names)
            })
        let report = StandingReport(log: log, place: place)
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
        line.connect { [bus] in bus.tell(ClusterKnock()) }
    }

    /// Starts, as `start` and `serve`; a signal ends the process meanwhile.
    func begin() throws {
        try Signals.heeding(start)
        try serve()
    }

    /// Waits until NATS is there, for a minute, and until this is a node of the cluster.
    private func start() throws {
        do throws(NATSFault) {
            try bus.start()
        } catch {
            throw CommandFailure("--cluster: \(error)")
        }
        let result = hasJoined.wait(timeout: .now() + .seconds(Self.joinSecondsMax))
        if let failure { throw failure }
        guard case .success = result else {
            let advice =
                service.standing.flatMap { place.advice(on: $0) }
                ?? "see whether the servers of NATS agree among each other (nats server check "
                + "jetstream)"
            throw CommandFailure(
                "this node is not part of the cluster \(place.name) after \(Self.joinSecondsMax) "
                    + "seconds (\(service.standing?.trouble ?? "")): \(advice)")
        }
    }

    /// From now on a refusal ends the process as an operator would.
    private func serve() throws {
        isReady.value.withLock { $0 = true }
        if let failure { throw failure }
    }

    private var state: ClusterState {
        ClusterState(
            name: place.name, nodeName: place.nodeName,
            standing: service.standing ?? .left, figures: service.clusterFigures ?? .init(),
            store: bus.report.map { report in
                ClusterState.Store(
                    server: report.server, version: report.version,
                    servers: report.servers.map {
                        ($0.server.description, $0.version, $0.trouble, $0.isConnected)
                    },
                    leader: report.leader,
                    replicas: report.replicas.map { ($0.name, $0.isCurrent, $0.lag) },
                    answerMilliseconds: report.answerMilliseconds, reconnects: report.reconnects)
            })
    }

    /// For an operator.
    var operated: OperatedCluster {
        OperatedCluster(
            state: { self.state }, rooms: rooms.listing,
            glance: { [service] in service.list(.glance, answer: $0) },
            merged: { [service] in service.rooms(with: $0) }, close: kick)
    }

    /// Closes a connection of whatever node.
    @Sendable private func kick(_ connection: ConnectionID) -> KickOutcome {
        pending.wait(seconds: Self.kickSecondsMax) { [service] answer in
            service.kick(connection, answer: answer)
        } ?? .silent([])
    }

    /// Why this node is to be sent nobody, by a stable code.
    var trouble: String? {
        isDraining.value.withLock { $0 } ? "draining" : service.standing?.trouble
    }

    /// Has other nodes take this one's sessions: first whoever sends peers here is told to send no
    /// more, and after a while nobody is admitted. A signal ends either wait, and where no other
    /// node lives there is none.
    func drain(stopAdmitting: () -> Void) {
        isDraining.value.withLock { $0 = true }
        let isAlone = { [service] in service.livingOthers == 0 }
        guard !isAlone() else { return }
        service.announceDrain()
        log.write("cluster_draining", [("seconds", "\(place.drainNoticeSeconds)")], at: .notice)
        _ = Signals.come(withinSeconds: place.drainNoticeSeconds, unless: isAlone)
        stopAdmitting()
        let isDrained = Held(false)
        service.drain { isDrained.value.withLock { $0 = true } }
        _ = Signals.come(withinSeconds: Self.handOverSecondsMax) { isDrained.value.withLock { $0 } }
        log.write(
            "cluster_drained", [("sessions_left", "\(service.sessionCount)")], at: .notice)
    }

    /// Leaves, once nobody is here any more.
    func stop() {
        // Those that wait for no other process.
        service.endSessions()
        service.farewell()
        _ = hasLeft.wait(timeout: .now() + .seconds(Self.farewellSecondsMax))
        // Nobody answers any more, and the operators' port stops once nobody waits there.
        pending.stop()
        bus.stop()
    }

    /// Why the process ends, where the others don't take it for a node.
    var failure: CommandFailure? {
        refusal.value.withLock { $0 }.map { CommandFailure($0.text(place)) }
    }

}

extension ClusterRefusal {
    /// Stable across releases.
    fileprivate var code: String {
        switch self {
        case .nameTaken: "node_name_taken"
        case .differs: "node_differs"
        case .formatTooNew: "format_too_new"
        }
    }

    /// What lacks, and what to do.
    fileprivate func text(_ place: ClusterPlace) -> String {
        switch self {
        case .nameTaken:
            "a node called \(place.nodeName) runs in the cluster \(place.name): give this one "
                + "another --node-name, or stop that one"
        case .differs(let setting, let other) where ByteText(setting) == "registry":
            "this node's registry is not that of the node \(Printable.text(other)): all nodes of "
                + "a cluster share one. Give --registry with the database that the others have, "
                + "or on one host --data with their folder; a cluster with another registry has "
                + "another --cluster-name"
        case .differs(let setting, let other):
            "--\(setting) is not what it is at the node \(Printable.text(other)): all nodes of a "
                + "cluster need the same"
        case .formatTooNew(let newer): tooNew(newer, place)
        }
    }
}

private func tooNew(_ newer: [ClusterRefusal.NewerNode], _ place: ClusterPlace) -> String {
    let nodes = newer.map { node in
        let version = node.version.isEmpty ? "" : " (\(Printable.text(node.version.string)))"
        return Printable.text(node.name.string) + version
    }
    let whose = nodes.isEmpty ? "its other nodes" : "its nodes \(nodes.joined(separator: ", "))"
    return "the cluster \(place.name) is past this version of usher: what its nodes write can't be "
        + "read here. Run the version of \(whose). To go back for good, stop all nodes and remove "
        + "the bucket (nats stream rm KV_usher-\(place.name)), or give another --cluster-name: who "
        + "is in which room is lost then, and nothing else"
}

extension ClusterPlace {
    /// What lacks, and what to do, where a node's own key is not registered for too long.
    fileprivate func advice(on standing: NodeStanding) -> String? {
        guard case .joining(let code) = standing else { return nil }
        let stream = "KV_usher-\(name)"
        return switch ByteText(code.text) {
        case "not_written":
            "NATS takes none of this node's writes: bus_refused or bus_quota_used_up in its log "
                + "say why where NATS does; else see whether most servers that keep \(stream) run "
                + "(nats stream info \(stream))"
        case "not_watched":
            "NATS does not show this node what lies in \(stream): bus_quota_used_up (as where "
                + "max_consumers is used up), bus_refused or bus_forbidden in its log say why "
                + "where NATS does; usher doctor looks at quotas"
        case "not_seen":
            "NATS has taken this node's writes and does not show them: the servers that keep "
                + "\(stream) may differ (nats stream info \(stream)), as where one of them stood "
                + "alone and its disk was not emptied. Remove it (nats stream rm \(stream)): nodes "
                + "make it anew, and nobody loses a place"
        default: nil
        }
    }

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
    let place: ClusterPlace

    func note(_ standing: NodeStanding) {
        switch standing {
        case .joining(let code):
            guard let advice = place.advice(on: standing) else {
                return log.write("cluster_joining", [("code", code.text)])
            }
            log.write(
                "cluster_joining", [("code", code.text), ("reason", advice)], at: .warning)
        case .member: log.write("cluster_joined", [], at: .notice)
        case .cutOff: log.write("cluster_cut_off", [("code", "cluster_unreachable")], at: .warning)
        case .lost: log.write("cluster_lost", [("code", "cluster_lost")], at: .error)
        case .condemned: log.write("cluster_declared_dead", [], at: .warning)
        case .left: log.write("cluster_left", [], at: .notice)
        case .refused(let why):
            log.write(
                "cluster_refused", [("code", why.code), ("reason", why.text(place))], at: .error)
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
        case .bucketDisagrees, .bucketLostWrites:
            log.write(notice.code, [("reason", "\(notice)")], at: .warning)
        case .refused(_, let code, _):
            log.write(
                notice.code, [("code", "\(code)"), ("reason", "\(notice)")], at: .warning)
        case .tooLong(let bytes): log.write(notice.code, [("bytes", "\(bytes)")], at: .warning)
        case .forbidden(let what): log.write(notice.code, [("reason", what)], at: .warning)
        }
    }
}
