import Bytes
import Cluster
import Cryptography
import StrictJSON

/// What is known of the consumer that tells of the nodes' keys: a pushed, ordered one, which is
/// made anew from where it stopped whenever a message of it is missing.
struct Watch {
    /// Beats come each second.
    static let silenceMillisecondsMax: Int64 = 3500

    /// Of the consumer that counts.
    private(set) var id: UInt64 = 0
    private var next: UInt64 = 1
    private var heardAt: Int64 = 0
    /// The last of the stream that was told.
    private var seen: UInt64 = 0
    /// Whether all that there was has been told.
    private(set) var isComplete = false

    struct Heard: Equatable {
        var event: BusEvent?
        /// Whether that completes what there was.
        var completes = false
        /// Whether a message is missing.
        var isGap = false
    }

    /// The consumer is asked for anew; what was told is not told again.
    ///
    /// - Returns: The text of the request, and the name of the consumer.
    mutating func restart(
        _ subjects: Subjects, to inbox: String, at now: Int64
    ) -> (request: [UInt8], name: String) {
        id = SecureRandom.uint64()
        next = 1
        heardAt = now
        let start: JSONObject =
            seen == 0
            ? ["deliver_policy": "last_per_subject"]
            : [
                "deliver_policy": "by_start_sequence",
                "opt_start_seq": .number(JSONNumber(Int64(clamping: seen &+ 1))),
            ]
        var configuration: JSONObject = [
            "name": .string(id.hex), "deliver_subject": .string("\(inbox).w.\(id.hex)"),
            "filter_subjects": [
                .string(subjects.nodes), .string(subjects.subject(.open)),
                .string(subjects.subject(.format)),
            ],
            "ack_policy": "none", "max_deliver": 1, "mem_storage": true, "num_replicas": 1,
            "idle_heartbeat": 1_000_000_000, "inactive_threshold": 5_000_000_000,
        ]
        for member in start.members { configuration[member.name] = member.value }
        let request: JSONValue = [
            "stream_name": .string(subjects.stream), "config": .object(configuration),
        ]
        return (request.serialized(), id.hex)
    }

    /// The consumer was made, with so much to tell.
    ///
    /// - Returns: Whether that completes what there was.
    mutating func began(pending: Int64, at now: Int64) -> Bool {
        heardAt = now
        guard pending == 0, next == 1, !isComplete else { return false }
        isComplete = true
        return true
    }

    mutating func heard(_ message: WatchedMessage, _ subjects: Subjects, at now: Int64) -> Heard {
        guard message.watch == id else { return Heard() }
        switch message.content {
        case .beat(let last):
            heardAt = now
            return Heard(isGap: last.map { $0 >= next } == true)
        case .value(let subject, let bytes, let place):
            guard place.number == next else { return Heard(isGap: place.number > next) }
            next += 1
            heardAt = now
            seen = place.revision.raw
            let completes = place.pending == 0 && !isComplete
            if completes { isComplete = true }
            let event = subjects.key(subject).map { BusEvent.watched($0, bytes, place.revision) }
            return Heard(event: event, completes: completes)
        }
    }

    func isSilent(at now: Int64) -> Bool { now - heardAt > Self.silenceMillisecondsMax }
}
