import Bytes
import Cluster

/// A connection that is good, and the bucket behind it.
struct Dialled: Sendable {
    let line: NATSLine
    let epoch: BucketEpoch
    let version: String
    let notices: [NATSNotice]
    /// The other servers of its cluster.
    let others: [NATSServer]

    /// Asks one server for all that a bus needs of it, and makes the bucket where it is missing.
    /// Waits as long as that takes, seconds each step; the look-up of its name knows no end.
    static func dial(
        _ server: NATSServer, _ configuration: NATSConfiguration, seen: Bucket.Seen?,
        _ sink: any ArrivalSink
    ) throws(NATSFault) -> Dialled {
        let greeting = try ServerGreeting.read(from: server)
        try greeting.check(server)
        let line = try NATSLine.open(server, configuration, sink)
        do throws(NATSFault) {
            // Behind one address there may be several servers.
            guard line.serverID == greeting.id else {
                throw .unreachable(server, "another server answers each time")
            }
            return try prepare(line, greeting, configuration, seen)
        } catch {
            line.close()
            throw error
        }
    }

    private static func prepare(
        _ line: NATSLine, _ greeting: ServerGreeting, _ configuration: NATSConfiguration,
        _ seen: Bucket.Seen?
    ) throws(NATSFault) -> Dialled {
        let subjects = Subjects(cluster: configuration.cluster)
        let replicas = configuration.replicas ?? (greeting.isCluster ? 3 : 1)
        let (bucket, isMade) = try Bucket.prepare(
            line, subjects, replicas: replicas, seen: seen)
        if isMade {
            try race(line.server, configuration, subjects.inBucket(bucket.epoch.nonce)) {
                Bucket.remove(line, subjects)
            }
        }
        let notices =
            (isMade ? [NATSNotice.bucketMade(replicas: bucket.replicas)] : [])
            + bucket.differences.map { .bucketDiffers($0) }
        return Dialled(
            line: line, epoch: bucket.epoch, version: greeting.version.string, notices: notices,
            others: greeting.others.compactMap { NATSServer(named: $0, by: line.server) })
    }

    /// Has writers race on a connection of their own; `failed` is what is to be done where not one
    /// wins each time.
    static func race(
        _ server: NATSServer, _ configuration: NATSConfiguration, _ subjects: Subjects,
        failed: () -> Void
    ) throws(NATSFault) {
        let answers = WritersRace.Answers()
        let line = try NATSLine.open(server, configuration, answers)
        defer { line.close() }
        do throws(NATSFault) {
            try WritersRace.run(line, answers, subjects)
        } catch {
            // The next look would find the bucket, and hold no race.
            failed()
            throw error
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
    package let differences: [String]

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
            line, subjects, replicas: configuration.replicas ?? (greeting.isCluster ? 3 : 1))
        if let bucket {
            try Dialled.race(server, configuration, subjects.inBucket(bucket.epoch.nonce)) {}
        }
        return NATSExamination(
            server: server, version: greeting.version.string, replicas: bucket?.replicas,
            differences: bucket?.differences ?? [])
    }
}
