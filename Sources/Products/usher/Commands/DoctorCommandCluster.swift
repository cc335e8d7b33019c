import Bytes
import NATSBus

/// NATS, as a node of the cluster would find it.
struct ClusterLook {
    let findings: [Finding]

    private static let check = "cluster"

    init(_ place: ClusterPlace) {
        do throws(NATSFault) {
            let found = try NATSExamination.run(try place.configuration())
            let servers = ClusterServersLook(found.servers).findings
            // Where no server is good the bucket's fault is one of theirs.
            let bucket =
                found.servers.contains(where: \.isGood)
                ? ClusterBucketLook(found, place).findings : []
            findings = servers + bucket + Self.transport(found, place)
        } catch {
            findings = [.problem(Self.check, "\(error.code): \(error)", nil)]
        }
    }

    private static func transport(_ found: NATSExamination, _ place: ClusterPlace) -> [Finding] {
        guard place.credentials != nil, found.servers.contains(where: { !$0.server.isTLS }) else {
            return []
        }
        return [
            .warning(
                "cluster_tls", "credentials and payloads travel to NATS in the clear",
                "tls:// in --cluster, unless the network between is yours alone")
        ]
    }
}

/// The servers of NATS, each by itself and beside the others.
struct ClusterServersLook {
    let findings: [Finding]

    private static let check = "cluster_server"

    init(_ servers: [NATSExamination.Server]) {
        let good = servers.compactMap { server -> (NATSServer, NATSExamination.Good)? in
            guard case .success(let good) = server.outcome else { return nil }
            return (server.server, good)
        }
        let away = servers.compactMap { server -> (isNamed: Bool, NATSFault)? in
            guard case .failure(let fault) = server.outcome, fault.isAway else { return nil }
            return (server.isNamed, fault)
        }
        let bad = servers.compactMap { server -> NATSFault? in
            guard case .failure(let fault) = server.outcome, !fault.isAway else { return nil }
            return fault
        }
        let missed = away.filter { $0.isNamed }.map { $0.1 }
        findings =
            Self.whole(good, of: good.count + bad.count + missed.count, missed)
            + bad.map { Finding.problem(Self.check, "\($0.code): \($0)", nil) }
            + away.filter { !$0.isNamed }.map { Self.unreachable($0.1) } + Self.beside(good)
    }

    /// How many of them are there.
    private static func whole(
        _ good: [(NATSServer, NATSExamination.Good)], of all: Int, _ away: [NATSFault]
    ) -> [Finding] {
        let versions = versions(good).map(\.string).joined(separator: " and ")
        let urls = good.map { "\($0.0)" }.joined(separator: ", ")
        guard !away.isEmpty else {
            return good.isEmpty ? [] : [.ok("cluster", "nats-server \(versions) at \(urls)")]
        }
        let why = away.map { "\($0)" }.joined(separator: "; ")
        let message = "\(good.count) of \(all) servers of NATS answer"
        let most = all / 2 + 1
        guard good.count >= most else {
            return [
                .problem(
                    "cluster", "\(message): without most of them nobody joins (\(why))",
                    "start them")
            ]
        }
        let isLast = good.count == most
        return [
            .warning(
                "cluster", message + (isLast ? ": one more must not fail" : "") + " (\(why))",
                "start it, or take it out of --cluster and of NATS where it is gone for good")
        ]
    }

    private static func versions(_ good: [(NATSServer, NATSExamination.Good)]) -> [ByteText] {
        Set(good.map { $0.1.version }).sorted()
    }

    private static func unreachable(_ fault: NATSFault) -> Finding {
        .warning(
            check, "NATS names a server that nodes would try from here, and \(fault)",
            "client_advertise in its configuration says how nodes reach it")
    }

    private static func beside(_ good: [(NATSServer, NATSExamination.Good)]) -> [Finding] {
        var findings: [Finding] = []
        if let first = good.first,
            let other = good.first(where: { !Self.isOneCluster($0.1, first.1) })
        {
            findings.append(
                .problem(
                    check, "\(other.0) and \(first.0) are not of one cluster of NATS",
                    "name servers in --cluster that have routes to one another"))
        }
        if versions(good).count > 1 {
            let each = good.map { "\($0.0) runs \($0.1.version.string)" }.joined(separator: ", ")
            findings.append(
                .warning(check, each, "have all run the newest of these, one after the other"))
        }
        return findings
    }

    /// Two that stand alone are of none, and the same one may be called by two names.
    private static func isOneCluster(
        _ one: NATSExamination.Good, _ other: NATSExamination.Good
    ) -> Bool {
        one.id == other.id || !one.cluster.isEmpty && one.cluster == other.cluster
    }
}

/// Who keeps who is in which room, and whether there is room for that.
struct ClusterBucketLook {
    let findings: [Finding]

    private static let check = "cluster_bucket"
    /// Further behind is no moment's delay.
    private static let lagMax: Int64 = 1000

    init(_ found: NATSExamination, _ place: ClusterPlace) {
        switch found.bucket {
        case .failure(let fault):
            findings = [.problem(Self.check, "\(fault.code): \(fault)", nil)]
        case .success(nil):
            findings =
                [
                    Finding.notChecked(
                        Self.check, "no node of the cluster \(place.name) has run yet",
                        "the first one makes the bucket")
                ] + Self.account(found.account, hasBucket: false)
        case .success(let bucket?):
            findings =
                Self.bucket(bucket) + Self.replicas(bucket)
                + Self.account(found.account, hasBucket: true)
        }
    }

    private static func bucket(_ bucket: NATSExamination.BucketLook) -> [Finding] {
        let leader = bucket.leader.map { ", led by \($0.string)" } ?? ""
        let content = "\(bucket.messages) keys, \(ByteCount.text(bucket.bytes))"
        var findings: [Finding] =
            bucket.replicas == 1
            ? [
                .warning(
                    check,
                    "one server of NATS keeps who is in which room (\(content)): without it "
                        + "nobody joins",
                    "three servers with JetStream as one cluster, and --cluster for each")
            ]
            : [
                .ok(
                    check,
                    "\(bucket.replicas) servers keep who is in which room\(leader) (\(content))")
            ]
        findings += bucket.differences.map { Finding.warning(check, $0.what, $0.remedy) }
        if let race = bucket.race {
            findings.append(.problem(check, "\(race.code): \(race)", nil))
        }
        return findings
    }

    private static func replicas(_ bucket: NATSExamination.BucketLook) -> [Finding] {
        bucket.followers.filter { !$0.isCurrent || $0.lag > lagMax }.map { replica in
            Finding.warning(
                check,
                "\(replica.name.string), which keeps it too, is away or "
                    + "\(replica.lag) writes behind",
                "see whether that server runs, and its log")
        }
    }

    // MARK: Quotas

    private static let quota = "cluster_quota"
    private static let bytesLeftMin: Int64 = 64 << 20

    private static func account(_ account: NATSAccount?, hasBucket: Bool) -> [Finding] {
        guard let account else {
            return [
                .notChecked(
                    quota, "these credentials may not ask what the account may hold",
                    "where its user may publish to $JS.API.INFO, that is looked at, too")
            ]
        }
        var findings = storage(account.storage).map { [$0] } ?? []
        if !hasBucket, account.streams.left == 0 {
            findings.append(
                .problem(quota, "the account may have no more streams", "raise max_streams"))
        }
        if account.consumers.left == 0 {
            findings.append(
                .warning(
                    quota,
                    "the account has \(account.consumers.used) consumers, and may have no more: "
                        + "each node needs one",
                    "raise max_consumers"))
        }
        let used = ByteCount.text(account.storage.used)
        let most = account.storage.most.map { " of \(ByteCount.text($0))" } ?? ", without a quota"
        return findings.isEmpty ? [.ok(quota, "the account holds \(used)\(most)")] : findings
    }

    private static func storage(_ storage: NATSAccount.Quota) -> Finding? {
        guard let most = storage.most, let left = storage.left,
            left < bytesLeftMin || left < most / 5
        else { return nil }
        let message =
            "the account holds \(ByteCount.text(storage.used)) of \(ByteCount.text(most)): where "
            + "nothing is left nobody joins, and after twenty seconds nobody stays"
        return left == 0
            ? .problem(quota, message, "raise max_file of the account")
            : .warning(quota, message, "raise max_file of the account, or see what else is in it")
    }
}

extension NATSFault {
    /// It may be well again by itself; all else somebody has to mend.
    fileprivate var isAway: Bool {
        switch self {
        case .unreachable, .leaving, .lost, .silent, .stopped, .noThread: true
        default: false
        }
    }
}

/// Bytes for people.
enum ByteCount {
    static func text(_ bytes: Int64) -> String {
        let units: [(Int64, String)] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        for (unit, name) in units where bytes >= unit {
            return "\(bytes / unit).\(bytes % unit * 10 / unit) \(name)"
        }
        return "\(bytes) bytes"
    }
}
