import Bytes
import Cluster

/// A connection that is good, and the bucket behind it.
struct Dialled: Sendable {
    private(set) var line: NATSLine
    let epoch: BucketEpoch
    let version: String
    let notices: [NATSNotice]
    /// The other servers of its cluster.
    let others: [NATSServer]

    /// Asks one server for all that a bus needs of it, and makes the bucket where it is missing.
    /// Waits as long as that takes, seconds each step; the look-up of its name knows no end.
    /// `lend`, where there is one, is handed the connection as soon as that stands, and has to read
    /// it; where it says that it took it, it is not closed here, even if the server is no good.
    static func dial(
        _ server: NATSServer, _ configuration: NATSConfiguration, seen: Bucket.Seen?,
        _ sink: any ArrivalSink, lend: ((NATSLine) -> Bool)? = nil
    ) throws(NATSFault) -> Dialled {
        let greeting = try ServerGreeting.read(from: server)
        try greeting.check(server)
        let asker = try NATSLine.open(server, configuration, sink)
        defer { asker.close() }
        try asker.check(greeting)
        // What is asked with patience needs libnats' threads, and the bus thread none.
        guard let lend else {
            var dialled = try prepare(asker, greeting, configuration, seen)
            dialled.line = try open(server, configuration, sink, greeting)
            return dialled
        }
        let line = try open(server, configuration, sink, greeting)
        let isLent = lend(line)
        do throws(NATSFault) {
            var dialled = try prepare(asker, greeting, configuration, seen)
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
        _ seen: Bucket.Seen?
    ) throws(NATSFault) -> Dialled {
        let subjects = Subjects(cluster: configuration.cluster)
        let (bucket, isMade) = try Bucket.prepare(
            line, subjects, replicas: configuration.replicas(greeting), seen: seen)
        let inBucket = subjects.inBucket(bucket.epoch.nonce)
        // Whoever made it may have been unable to.
        if try !Bucket.isOpen(line, inBucket) { try race(line.server, configuration, inBucket) }
        let notices =
            (isMade ? [NATSNotice.bucketMade(replicas: bucket.replicas)] : [])
            + bucket.differences.map { .bucketDiffers($0.what) }
        return Dialled(
            line: line, epoch: bucket.epoch, version: greeting.version.string, notices: notices,
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

/// What a cluster's bus has been found to be.
package struct NATSExamination: Equatable, Sendable {
    package let server: NATSServer
    package let version: String
    /// By how many servers the bucket is kept; nil where there is none yet.
    package let replicas: Int?
    /// In what it is not what would have been made.
    package let differences: [BucketDifference]

    /// Asks the first server that is good, and has writers race where there is a bucket. Changes
    /// nothing that lasts. May take some seconds a server.
    ///
    /// - Throws: What is wrong with the last server, where none is good.
    package static func run(
        _ configuration: NATSConfiguration
    ) throws(NATSFault) -> NATSExamination {
        try configuration.check()
        var fault = NATSFault.noThread
        for server in configuration.servers {
            do throws(NATSFault) {
                return try examine(server, configuration)
            } catch {
                fault = error
            }
        }
        throw fault
    }

    private static func examine(
        _ server: NATSServer, _ configuration: NATSConfiguration
    ) throws(NATSFault) -> NATSExamination {
        let greeting = try ServerGreeting.read(from: server)
        try greeting.check(server)
        let line = try NATSLine.open(server, configuration, WritersRace.Answers())
        defer { line.close() }
        let subjects = Subjects(cluster: configuration.cluster)
        let bucket = try Bucket.find(
            line, subjects, replicas: configuration.replicas(greeting))
        if let bucket {
            try Dialled.race(server, configuration, subjects.inBucket(bucket.epoch.nonce))
        }
        return NATSExamination(
            server: server, version: greeting.version.string, replicas: bucket?.replicas,
            differences: bucket?.differences ?? [])
    }
}
