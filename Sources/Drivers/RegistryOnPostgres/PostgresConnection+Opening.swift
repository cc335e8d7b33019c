import Bytes
import Glibc
import Threads

extension PostgresConnection {
    /// libpq looks names up by getaddrinfo(3), which has no end of ours.
    private static let errands = Errands(named: "usher-registry", countMax: 64)

    /// As it goes to the thread that asked.
    private struct Made: @unchecked Sendable { let connection: PostgresConnection }

    /// Connects, on a thread of its own that is left to itself where a name's look-up takes longer
    /// than there is time.
    ///
    /// What the target leaves open, such as a password, comes from where libpq looks (`PGPASSFILE`,
    /// `PGSERVICEFILE`). Of several hosts each gets its share of the time: one that is gone without
    /// a word must not use up that of the others.
    static func open(
        _ target: PostgresTarget, until deadline: PostgresDeadline
    ) throws(PostgresFault) -> PostgresConnection {
        let made: Result<Made, PostgresFault>?
        do throws(Errands.Failure) {
            made = try errands.run(waiting: { try deadline.wait(for: POLLIN, on: $0) }) {
                do throws(PostgresFault) {
                    return .success(Made(connection: try connect(target, until: deadline)))
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            switch error {
            case .tooMany(let count):
                throw .unreachable("\(count) attempts to connect have not ended yet")
            case .noThread: throw .unreachable("there is no descriptor or thread left")
            }
        }
        guard let made else { throw .timedOut }
        return try made.get().connection
    }

    private static func connect(
        _ target: PostgresTarget, until deadline: PostgresDeadline
    ) throws(PostgresFault) -> PostgresConnection {
        let any = try PostgresConnection(beginning: target.options)
        let hosts = any.hosts
        guard hosts.count > 1 else {
            try any.finishConnecting(until: deadline)
            return any
        }
        var faults: [PostgresFault] = []
        for (index, host) in hosts.enumerated() {
            do throws(PostgresFault) {
                let connection = try PostgresConnection(beginning: target.options + host)
                let share = deadline.share(of: hosts.count - index)
                try connection.finishConnecting(until: share)
                return connection
            } catch {
                faults.append(error)
            }
        }
        throw PostgresFault(ofEach: faults)
    }

    /// Each as what has a target name that one alone; none where they cannot be told apart.
    private var hosts: [[PostgresTarget.Option]] {
        let lists = ["host", "hostaddr", "port"].map { (name: StaticString) in
            let values = ByteText(option(name)).split(
                separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            return (name: "\(name)", values: values.isEmpty ? [""] : values)
        }
        let count = max(lists[0].values.count, lists[1].values.count)
        // A value that is empty would leave that of all in its place.
        let areTold = lists.allSatisfy { list in
            list.values.count == 1 || list.values.count == count && !list.values.contains("")
        }
        guard areTold else { return [] }
        return (0..<count).map { index in
            lists.compactMap { list in
                let value = list.values[min(index, list.values.count - 1)]
                return value.isEmpty ? nil : .init(name: list.name, value: value.string)
            }
        }
    }
}
