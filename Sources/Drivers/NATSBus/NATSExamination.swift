package import Bytes
import Cluster
import Locking
import StrictJSON
import Threads

/// What the servers of a cluster's bus, and the bucket there, have been found to be.
package struct NATSExamination: Sendable {
    package struct Server: Equatable, Sendable {
        package let server: NATSServer
        /// It stands in the configuration; the others were named by one of these.
        package let isNamed: Bool
        package let outcome: Result<Good, NATSFault>

        package var isGood: Bool { if case .success = outcome { true } else { false } }
    }

    /// A server that would serve, and lets a node in, where it was named.
    package struct Good: Equatable, Sendable {
        package let id: ByteText
        package let name: ByteText
        package let version: ByteText
        /// Of which servers it is one; empty where it stands alone.
        package let cluster: ByteText
    }

    package struct BucketLook: Equatable, Sendable {
        /// By how many servers it is kept.
        package let replicas: Int
        /// In what it is not what would have been made.
        package let differences: [BucketDifference]
        /// Nil where one server alone keeps it, or none leads.
        package let leader: ByteText?
        /// Those beside the leader.
        package let followers: [NATSReport.Replica]
        package let messages: Int64
        package let bytes: Int64
        /// What a race of its writers came to; nil where each had one winner.
        package let race: NATSFault?
    }

    /// All that were named, then those that these named.
    package let servers: [Server]
    /// Nil where there is none yet; a fault where the first good server would not say, or none is.
    package let bucket: Result<BucketLook?, NATSFault>
    /// What the nodes' account has; nil where they may not ask.
    package let account: NATSAccount?

    /// Asks all servers, and has writers race where there is a bucket. Changes nothing that lasts.
    /// May take ten seconds, and some more where the store does not answer.
    ///
    /// - Throws: What is wrong with a file of the configuration.
    package static func run(
        _ configuration: NATSConfiguration
    ) throws(NATSFault) -> NATSExamination {
        try configuration.check()
        let (servers, greetings) = all(configuration)
        do throws(NATSFault) {
            guard let first = servers.first(where: { greetings[$0.server] != nil }),
                let greeting = greetings[first.server]
            else {
                guard case .failure(let fault)? = servers.last?.outcome else { throw .noThread }
                throw fault
            }
            let line = try NATSLine.open(first.server, configuration, WritersRace.Answers())
            defer { line.close() }
            let bucket = look(line, configuration.replicas(greeting), servers, configuration)
            let answer = try? line.ask(Subjects.account, millisecondsMax: 2000)
            return NATSExamination(
                servers: servers, bucket: bucket, account: answer.flatMap { NATSAccount($0) })
        } catch {
            return NATSExamination(servers: servers, bucket: .failure(error), account: nil)
        }
    }

    private static func look(
        _ line: NATSLine, _ replicas: Int, _ servers: [Server],
        _ configuration: NATSConfiguration
    ) -> Result<BucketLook?, NATSFault> {
        let subjects = Subjects(cluster: configuration.cluster)
        do throws(NATSFault) {
            return .success(
                try look(line, subjects, replicas: replicas, servers, configuration))
        } catch {
            return .failure(error)
        }
    }

    private static func look(
        _ line: NATSLine, _ subjects: Subjects, replicas: Int, _ servers: [Server],
        _ configuration: NATSConfiguration
    ) throws(NATSFault) -> BucketLook? {
        guard let info = try Bucket.look(line, subjects) else { return nil }
        let bucket = try Bucket(info, subjects, replicas: replicas)
        let cluster = info["cluster"]?.object
        let leader = cluster?["leader"]?.string
        // Where the leader is, nothing that is slow stands between its writers.
        let place = servers.first { server in
            if case .success(let good) = server.outcome { good.name == leader } else { false }
        }
        var race: NATSFault?
        do throws(NATSFault) {
            try Dialled.race(
                place?.server ?? line.server, configuration,
                subjects.inBucket(bucket.epoch.nonce))
        } catch {
            race = error
        }
        let state = info["state"]?.object
        return BucketLook(
            replicas: bucket.replicas, differences: bucket.differences, leader: leader,
            followers: NATSReport.Replica.beside(leaderIn: cluster),
            messages: state?["messages"]?.int64 ?? 0, bytes: state?["bytes"]?.int64 ?? 0,
            race: race)
    }

    // MARK: The servers

    /// Those that were named, and those that these name, each once however it is called.
    private static func all(
        _ configuration: NATSConfiguration
    ) -> (servers: [Server], greetings: [NATSServer: ServerGreeting]) {
        var servers: [Server] = []
        var greetings: [NATSServer: ServerGreeting] = [:]
        var ids: Set<ByteText> = []
        func add(_ found: [(NATSServer, Result<ServerGreeting, NATSFault>)], isNamed: Bool) {
            for (server, outcome) in found {
                if case .success(let greeting) = outcome {
                    let isNew = ids.insert(greeting.id).inserted
                    guard isNamed || isNew else { continue }
                    greetings[server] = greeting
                }
                let good = outcome.map { greeting in
                    Good(
                        id: greeting.id, name: greeting.name, version: greeting.version,
                        cluster: greeting.cluster)
                }
                servers.append(Server(server: server, isNamed: isNamed, outcome: good))
            }
        }
        let named = ask(configuration.servers) { server throws(NATSFault) in
            try greet(server, configuration)
        }
        add(named, isNamed: true)
        var learned: [NATSServer] = []
        for server in configuration.servers {
            for other in greetings[server]?.others ?? [] {
                guard learned.count < ServerGreeting.othersMax,
                    let other = NATSServer(named: other, by: server),
                    !(configuration.servers + learned).contains(where: other.isSamePlace(as:))
                else { continue }
                learned.append(other)
            }
        }
        // Whom others name is shown no credentials for the sake of a look.
        add(ask(learned, greet), isNamed: false)
        return (servers, greetings)
    }

    /// How long all of them have, together.
    private static let millisecondsMax: Int64 = 5000

    private final class Answers: Sendable {
        let found = Lock<[Int: Result<ServerGreeting, NATSFault>]>([:])
    }

    /// Each on a thread of its own, as the look-up of a name may take for ever.
    private static func ask(
        _ servers: [NATSServer],
        _ greet: @escaping @Sendable (NATSServer) throws(NATSFault) -> ServerGreeting
    ) -> [(NATSServer, Result<ServerGreeting, NATSFault>)] {
        let answers = Answers()
        for (index, server) in servers.enumerated() {
            let thread = try? OwnThread(named: "usher-bus-look") {
                let outcome: Result<ServerGreeting, NATSFault>
                do throws(NATSFault) {
                    outcome = .success(try greet(server))
                } catch {
                    outcome = .failure(error)
                }
                answers.found.withLock { $0[index] = outcome }
            }
            if let thread {
                thread.detach()
            } else {
                answers.found.withLock { $0[index] = .failure(.noThread) }
            }
        }
        let deadline = BusClock.milliseconds() + millisecondsMax
        while answers.found.withLock({ $0.count }) < servers.count,
            BusClock.milliseconds() < deadline
        {
            BusClock.pause(milliseconds: 5)
        }
        let found = answers.found.withLock { $0 }
        return servers.enumerated().map { index, server in
            (server, found[index] ?? .failure(.unreachable(server, "it says nothing")))
        }
    }

    /// Whether it would serve, as far as it says itself.
    @Sendable private static func greet(
        _ server: NATSServer
    ) throws(NATSFault) -> ServerGreeting {
        let greeting = try ServerGreeting.read(from: server)
        try greeting.check(server)
        return greeting
    }

    /// Whether it would serve this node, as far as one server can tell.
    private static func greet(
        _ server: NATSServer, _ configuration: NATSConfiguration
    ) throws(NATSFault) -> ServerGreeting {
        let greeting = try greet(server)
        try NATSLine.open(server, configuration, WritersRace.Answers()).close()
        return greeting
    }
}
