import Bytes
import Cluster

/// A connection that is good, and the bucket behind it.
struct Dialled: Sendable {
    private(set) var line: NATSLine
    let epoch: BucketEpoch
    let version: String
    /// In what the bucket is not what a node would have made.
    let differences: [String]
    /// The other servers of its cluster.
    let others: [NATSServer]

    /// All servers that are known, once each: as they were configured, then what was learned.
    func servers(beside configured: [NATSServer]) -> [NATSServer] {
        var all = configured
        for other in [line.server] + others
        where !all.contains(where: { $0.isSamePlace(as: other) }) {
            all.append(other)
        }
        return all
    }

    /// Asks one server for all that a bus needs of it, and makes the bucket where it is missing.
    /// Waits as long as that takes, seconds each step; the look-up of its name knows no end.
    /// `lend`, where there is one, is handed the connection as soon as that stands, and has to read
    /// it; where it says that it took it, it is not closed here, even if the server is no good.
    static func dial(
        _ server: NATSServer, _ configuration: NATSConfiguration, seen: Bucket.Seen?,
        _ sink: any ArrivalSink, notify: (NATSNotice) -> Void,
        lend: ((NATSLine) -> Bool)? = nil
    ) throws(NATSFault) -> Dialled {
        let greeting = try ServerGreeting.read(from: server)
        try greeting.check(server)
        let asker = try NATSLine.open(server, configuration, sink)
        defer { asker.close() }
        try asker.check(greeting)
        // What is asked with patience needs libnats' threads, and the bus thread none.
        guard let lend else {
            var dialled = try prepare(asker, greeting, configuration, seen, notify)
            dialled.line = try open(server, configuration, sink, greeting)
            return dialled
        }
        let line = try open(server, configuration, sink, greeting)
        let isLent = lend(line)
        do throws(NATSFault) {
            var dialled = try prepare(asker, greeting, configuration, seen, notify)
            dialled.line = line
            return dialled
        } catch {
            if !isLent { line.close() }
            throw error
        }
    }

    /// For the bus thread.
    private static func open(
        _ server: NATSServer, _ configuration: NATSConfiguration, _ sink: any ArrivalSink,
        _ greeting: ServerGreeting
    ) throws(NATSFault) -> NATSLine {
        let line = try NATSLine.open(server, configuration, sink, isPolled: !server.isTLS)
        do throws(NATSFault) {
            try line.check(greeting)
        } catch {
            line.close()
            throw error
        }
        return line
    }

    private static func prepare(
        _ line: NATSLine, _ greeting: ServerGreeting, _ configuration: NATSConfiguration,
        _ seen: Bucket.Seen?, _ notify: (NATSNotice) -> Void
    ) throws(NATSFault) -> Dialled {
        let subjects = Subjects(cluster: configuration.cluster)
        let bucket = try Bucket.prepare(
            line, subjects, replicas: configuration.replicas(greeting), seen: seen,
            notify: notify)
        let inBucket = subjects.inBucket(bucket.epoch.nonce)
        // Whoever made it may have been unable to.
        if try !Bucket.isOpen(line, inBucket) { try race(line.server, configuration, inBucket) }
        return Dialled(
            line: line, epoch: bucket.epoch, version: greeting.version.string,
            differences: bucket.differences.map(\.what),
            others: greeting.others.compactMap { NATSServer(named: $0, by: line.server) })
    }

    /// Has writers race on a connection of their own.
    static func race(
        _ server: NATSServer, _ configuration: NATSConfiguration, _ subjects: Subjects
    ) throws(NATSFault) {
        let answers = WritersRace.Answers()
        let line = try NATSLine.open(server, configuration, answers)
        defer { line.close() }
        try WritersRace.run(line, answers, subjects)
    }
}

extension NATSLine {
    /// Behind one address there may be several servers.
    fileprivate func check(_ greeting: ServerGreeting) throws(NATSFault) {
        guard serverID == greeting.id else {
            throw .unreachable(server, "another server answers each time")
        }
    }
}
