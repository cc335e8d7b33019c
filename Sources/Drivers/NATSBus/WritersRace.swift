import Bytes
import Cluster
import Cryptography
import Locking

/// Writers that all want to follow one revision of a key, again and again: a store that lets two of
/// them win is none for rooms. Three replicas on servers before 2.10.26 do, most times that the key
/// is there; from absent they don't.
enum WritersRace {
    static let writers = 8
    static let rounds = 20
    private static let roundMilliseconds: Int64 = 2000

    /// Where answers of a line are collected that no bus thread has yet.
    final class Answers: ArrivalSink {
        private let answers = Lock<[[UInt8]]>([])
        private let refusal = Lock<String?>(nil)

        func put(_ arrival: Arrival, line: UInt32) -> Bool {
            switch arrival {
            case .answer(let bytes?, _): answers.withLock { $0.append(bytes) }
            case .forbidden(let text): refusal.withLock { $0 = text.string }
            default: break
            }
            return true
        }

        /// Why some are missing.
        var reason: String {
            refusal.withLock { $0 } ?? "not all writes of a race are answered"
        }

        func take(_ count: Int, millisecondsMax: Int64) -> [[UInt8]] {
            let deadline = BusClock.milliseconds() + millisecondsMax
            while answers.withLock({ $0.count }) < count, BusClock.milliseconds() < deadline {
                BusClock.pause(milliseconds: 1)
            }
            return answers.withLock { answers in
                defer { answers = [] }
                return answers
            }
        }
    }

    /// On a line whose answers nobody else wants. Takes keys of its own, and purges them.
    ///
    /// - Throws: `.notAtomic`, or `.notReady` where answers are missing.
    static func run(
        _ line: NATSLine, _ answers: Answers, _ subjects: Subjects
    ) throws(NATSFault) {
        let name = SecureRandom.uint64().hex
        guard line.subscribe(line.inbox + ".a.*", for: .answers) else { throw .lost(line.server) }
        defer { Bucket.purge(line, subjects, subjects.race + name + ".>") }
        var failures = 0
        for round in 0..<rounds {
            let key = subjects.race + "\(name).\(round)"
            let first = try winners(line, answers, key, from: .absent, subjects)
            let second =
                try first.max().map { base throws(NATSFault) in
                    try winners(line, answers, key, from: base, subjects)
                } ?? []
            if first.count != 1 || second.count != 1 { failures += 1 }
        }
        guard failures == 0 else { throw .notAtomic(line.server, rounds: failures) }
    }

    private static func winners(
        _ line: NATSLine, _ answers: Answers, _ key: String, from base: Revision,
        _ subjects: Subjects
    ) throws(NATSFault) -> [Revision] {
        for writer in 0..<writers {
            let isSent = line.publish(
                Array("\(writer)".utf8), to: key, ifLastIs: base.raw,
                reply: line.inbox + ".a.\(writer)")
            guard isSent else { throw .lost(line.server) }
        }
        let said = answers.take(writers, millisecondsMax: roundMilliseconds).map {
            JetStreamAnswer.written($0, stream: subjects.stream)
        }
        guard said.count == writers, !said.contains(.unknown) else {
            throw .notReady(line.server, answers.reason, code: nil)
        }
        return said.compactMap { if case .accepted(let revision) = $0 { revision } else { nil } }
    }
}
