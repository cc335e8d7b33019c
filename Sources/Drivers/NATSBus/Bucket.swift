import Bytes
import Cluster
import Cryptography
import Glibc
import StrictJSON

/// In what a bucket is not what a node would have made, and what to do about it.
package struct BucketDifference: Equatable, Sendable {
    package let what: String
    package let remedy: String
}

/// The bucket of a cluster: a stream in which the last message of a subject is the value of a key.
struct Bucket: Equatable {
    let epoch: BucketEpoch
    let differences: [BucketDifference]
    /// By how many servers it is kept.
    let replicas: Int
    /// The server that leads it has less than it had when it was made: that is a stream of its own,
    /// of before it was one of several servers.
    let isForeign: Bool

    /// From an INFO of the stream, or what came of making it.
    ///
    /// - Throws: Why it can't serve.
    init(
        _ info: JSONObject, _ subjects: Subjects, replicas wanted: Int
    ) throws(NATSFault) {
        guard let configuration = info["config"]?.object,
            let epoch = Self.epoch(info)
        else { throw .bucket("its description is not understood") }
        let subjects = subjects.inBucket(epoch.nonce)
        func int(_ name: ByteText) -> Int { Int(clamping: configuration[name]?.int64 ?? 0) }
        func flag(_ name: ByteText) -> Bool { configuration[name]?.bool == true }
        let names = configuration["subjects"]?.array?.compactMap(\.string) ?? []
        // Whatever makes it forget or refuse what it holds.
        let faults = [
            names != [ByteText(subjects.all)] ? "its subjects are not \(subjects.all)" : nil,
            configuration["retention"]?.string != "limits" ? "its retention is not limits" : nil,
            int("max_age") != 0 ? "it forgets what is old (max_age)" : nil,
            int("max_msgs") > 0 && configuration["discard"]?.string != "new"
                ? "it forgets what is old (max_msgs, discard)" : nil,
            int("max_bytes") > 0 && configuration["discard"]?.string != "new"
                ? "it forgets what is old (max_bytes, discard)" : nil,
            flag("sealed") ? "it is sealed" : nil,
            flag("deny_purge") ? "nothing can be purged (deny_purge)" : nil,
            flag("no_ack") ? "it acknowledges nothing (no_ack)" : nil,
            configuration["mirror"] != nil || configuration["sources"] != nil
                ? "it copies another stream" : nil,
        ].compactMap(\.self)
        guard faults.isEmpty else {
            throw .bucket("stream \(subjects.stream): \(faults.joined(separator: ", "))")
        }
        self.epoch = epoch
        let last = info["state"]?.object?["last_seq"]?.int64
        isForeign = last.map { UInt64(clamping: $0) &+ 1 < epoch.nonce } ?? false
        replicas = int("num_replicas")
        let remake = "stop all nodes, and remove the stream: the first node makes it anew"
        let differences = [
            configuration["storage"]?.string == "file"
                ? nil
                : ("its storage is not file: it is gone when all servers have stopped", remake),
            int("max_msgs_per_subject") == 1
                ? nil : ("it keeps a history (max_msgs_per_subject)", remake),
            replicas >= wanted
                ? nil
                : (
                    "\(replicas) servers keep it, not \(wanted) (num_replicas)",
                    "nats stream edit \(subjects.stream) --replicas \(wanted); nodes may run"
                ),
        ]
        self.differences = differences.compactMap(\.self).map { what, remedy in
            BucketDifference(what: what, remedy: remedy)
        }
    }

    /// When it was made, as the servers have it, and the first revision that it was given.
    static func epoch(_ info: JSONObject) -> BucketEpoch? {
        guard let created = info["created"]?.string, let time = nanoseconds(created) else {
            return nil
        }
        let first = info["config"]?.object?["first_seq"]?.int64 ?? 0
        return BucketEpoch(createdAt: time, nonce: UInt64(clamping: first))
    }

    /// Nanoseconds of an RFC 3339 time in UTC, from 1970 on; each month has 31 days here, which
    /// tells all times apart as well.
    private static func nanoseconds(_ text: ByteText) -> UInt64? {
        let parts = text.split(separator: UInt8(ascii: "."))
        guard text.hasSuffix("Z"), (1...2).contains(parts.count) else { return nil }
        let whole = digits(parts[0])
        var fraction = parts.count == 2 ? digits(parts[1]) : []
        guard whole.count == 14, fraction.count <= 9 else { return nil }
        fraction += [UInt8](repeating: 0x30, count: 9 - fraction.count)
        let year = value(whole[0..<4])
        guard (1970...2400).contains(year) else { return nil }
        let months = (year - 1970) * 12 + value(whole[4..<6])
        let hours = (months * 31 + value(whole[6..<8])) * 24 + value(whole[8..<10])
        let seconds = (hours * 60 + value(whole[10..<12])) * 60 + value(whole[12..<14])
        return seconds * 1_000_000_000 + value(fraction[...])
    }

    private static func digits(_ text: ByteText) -> [UInt8] {
        text.utf8.filter { (0x30...0x39).contains($0) }
    }

    private static func value(_ digits: ArraySlice<UInt8>) -> UInt64 {
        digits.reduce(0) { $0 * 10 + UInt64($1 - 0x30) }
    }

    /// What is known of a bucket: that it has gone as far as this revision.
    struct Seen: Equatable {
        let epoch: BucketEpoch
        var revision: Revision
    }

    // MARK: Finding and making it

    /// Why one that was there is made anew.
    enum Loss {
        /// Servers write through to their disks now and then, and a power cut takes the rest.
        case ofWrites
        /// A server that stood alone became one of several, and its disk was not emptied: what it
        /// has under this name goes on there, beside what the others have, and nobody tells.
        case ofAgreement
    }

    /// Finds it, or makes it where it is missing, or where it can't be what it once was.
    ///
    /// `notify` is told at once what is done to it: whatever comes next may fail.
    static func prepare(
        _ line: NATSLine, _ subjects: Subjects, replicas: Int, seen: Seen?,
        notify: (NATSNotice) -> Void
    ) throws(NATSFault) -> Bucket {
        var former = seen?.epoch.nonce ?? 0
        for _ in 0..<6 {
            if let found = try find(line, subjects, replicas: replicas) {
                guard let why = try loss(of: found, line, subjects, seen: seen) else {
                    return found
                }
                former = max(former, found.epoch.nonce)
                // Another node may have done so by now.
                guard try find(line, subjects, replicas: replicas)?.epoch == found.epoch else {
                    continue
                }
                notify(why == .ofAgreement ? .bucketDisagrees : .bucketLostWrites)
                remove(line, subjects)
                continue
            }
            let request = try creation(subjects, replicas: replicas, after: former)
            let text = try line.ask(subjects.request("STREAM.CREATE"), request)
            switch JetStreamAnswer.object(text) {
            case .success(let info):
                let bucket = try Bucket(info, subjects, replicas: replicas)
                // What a server has of before is part of it from the beginning: to be found above.
                notify(.bucketMade(replicas: bucket.replicas))
            case .failure(let refusal) where refusal.code == JetStreamAnswer.Code.streamExists:
                continue  // Another node was faster.
            case .failure(let refusal): throw fault(refusal, line)
            case nil: throw .notReady(line.server, "its answer is not understood", code: nil)
            }
        }
        throw .bucketGone
    }

    /// Nil where it is sound, as far as one write tells.
    private static func loss(
        of found: Bucket, _ line: NATSLine, _ subjects: Subjects, seen: Seen?
    ) throws(NATSFault) -> Loss? {
        let last: Revision
        do throws(NATSFault) {
            last = try write(line, subjects.inBucket(found.epoch.nonce))
        } catch {
            // What servers disagree on they may not write either.
            guard found.isForeign, case .notReady = error else { throw error }
            return .ofAgreement
        }
        // Nothing that it was made with is less.
        if last.raw < found.epoch.nonce { return .ofAgreement }
        guard found.epoch == seen?.epoch, let seen, last <= seen.revision else { return nil }
        return .ofWrites
    }

    /// Nil where there is none.
    static func find(
        _ line: NATSLine, _ subjects: Subjects, replicas: Int
    ) throws(NATSFault) -> Bucket? {
        try look(line, subjects).map { info throws(NATSFault) in
            try Bucket(info, subjects, replicas: replicas)
        }
    }

    /// An INFO of its stream; nil where there is none.
    static func look(_ line: NATSLine, _ subjects: Subjects) throws(NATSFault) -> JSONObject? {
        switch JetStreamAnswer.object(try line.ask(subjects.request("STREAM.INFO"))) {
        case .success(let info): return info
        case .failure(let refusal) where refusal.code == JetStreamAnswer.Code.noStream: return nil
        case .failure(let refusal): throw fault(refusal, line)
        case nil: throw .notReady(line.server, "its answer is not understood", code: nil)
        }
    }

    /// Whether the nodes have taken it into use, which they do once its writers have raced.
    static func isOpen(_ line: NATSLine, _ subjects: Subjects) throws(NATSFault) -> Bool {
        let subject = subjects.subject(.open)
        let request: JSONValue = ["last_by_subj": .string(subject)]
        let text = try line.ask(subjects.request("STREAM.MSG.GET"), request.serialized())
        switch JetStreamAnswer.read(text, subject: ByteText(subject)).answer {
        case .found(let bytes, _): return bytes != nil
        default: throw .notReady(line.server, "it lets nothing be read", code: nil)
        }
    }

    private static func fault(
        _ refusal: JetStreamAnswer.Refusal, _ line: NATSLine
    ) -> NATSFault {
        switch refusal.code {
        case JetStreamAnswer.Code.notEnabled, JetStreamAnswer.Code.notForAccount:
            .noJetStream(line.server)
        case _ where refusal.isOfQuota:
            .full(line.server, refusal.text, code: refusal.code)
        default: .notReady(line.server, refusal.text, code: refusal.code)
        }
    }

    /// `former` is the nonce of a bucket that was there, or 0: a clock may have gone back since.
    private static func creation(
        _ subjects: Subjects, replicas: Int, after former: UInt64
    ) throws(NATSFault) -> [UInt8] {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let milliseconds = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        let nonce = max(milliseconds << 20, Int64(clamping: former &+ (1 << 20)))
        let keys = subjects.inBucket(UInt64(clamping: nonce)).all
        let request: JSONValue = [
            "name": .string(subjects.stream), "subjects": [.string(keys)],
            "description": "Rooms and nodes of a cluster of usher",
            "retention": "limits", "storage": "file", "discard": "new",
            "max_msgs_per_subject": 1, "max_msgs": -1, "max_bytes": -1, "max_age": 0,
            "max_msg_size": -1, "max_consumers": -1, "deny_delete": true,
            "num_replicas": .number(JSONNumber(Int64(replicas))),
            // So that no revision of a bucket of this name ever comes again.
            "first_seq": .number(JSONNumber(nonce)),
        ]
        return request.serialized()
    }

    /// Writes something, and purges it: its revision is greater than any that the bucket has given,
    /// which no answer to a question could promise.
    private static func write(
        _ line: NATSLine, _ subjects: Subjects
    ) throws(NATSFault) -> Revision {
        let subject = subjects.race + SecureRandom.uint64().hex
        let text = try line.ask(subject)
        let answer = JetStreamAnswer.written(text, stream: subjects.stream)
        purge(line, subjects, subject)
        guard case .accepted(let revision) = answer else {
            if case .failure(let refusal) = JetStreamAnswer.object(text) {
                throw fault(refusal, line)
            }
            throw .notReady(line.server, "it takes no writes", code: nil)
        }
        return revision
    }

    static func purge(_ line: NATSLine, _ subjects: Subjects, _ filter: String) {
        let request: JSONValue = ["filter": .string(filter)]
        _ = try? line.ask(subjects.request("STREAM.PURGE"), request.serialized())
    }

    /// Has it and all that it holds vanish.
    static func remove(_ line: NATSLine, _ subjects: Subjects) {
        _ = try? line.ask(subjects.request("STREAM.DELETE"))
    }
}
