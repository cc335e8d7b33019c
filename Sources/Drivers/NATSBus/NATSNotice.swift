/// What happens to the bus, for the log.
package enum NATSNotice: Equatable, Sendable, CustomStringConvertible {
    case connected(server: String, version: String)
    case disconnected(NATSFault)
    /// An attempt to connect that failed; each reason is told again after a minute.
    case waiting(NATSFault)
    case bucketMade(replicas: Int)
    /// It is removed to be made anew, since its servers do not agree on what is in it.
    case bucketDisagrees
    /// The same, since it has less than it had acknowledged.
    case bucketLostWrites
    /// It serves, but is not what this node would have made: in what.
    case bucketDiffers(String)
    /// What these credentials may not do, in the server's words.
    case forbidden(String)
    /// JetStream refuses what has to be stored, in its words and with its own code; each reason is
    /// told again after a minute.
    case refused(String, code: Int, isQuota: Bool)
    /// Something was not sent, since the server takes no message of so many bytes.
    case tooLong(bytes: Int)

    /// Stable across releases.
    package var code: StaticString {
        switch self {
        case .connected: "bus_connected"
        case .disconnected: "bus_disconnected"
        case .waiting: "bus_waiting"
        case .bucketMade: "bus_bucket_made"
        case .bucketDisagrees: "bus_bucket_disagrees"
        case .bucketLostWrites: "bus_bucket_lost_writes"
        case .bucketDiffers: "bus_bucket_differs"
        case .forbidden: "bus_forbidden"
        case .refused(_, _, let isQuota): isQuota ? "bus_quota_used_up" : "bus_refused"
        case .tooLong: "bus_message_too_long"
        }
    }

    package var description: String {
        switch self {
        case .connected(let server, let version): "connected to \(server), nats-server \(version)"
        case .disconnected(let fault), .waiting(let fault): fault.description
        case .bucketMade(let replicas): "the cluster's bucket was made, on \(replicas) servers"
        case .bucketDisagrees:
            "the cluster's bucket is made anew, as its servers do not agree on what is in it: "
                + "one of them stood alone before, and its disk was not emptied"
        case .bucketLostWrites:
            "the cluster's bucket is made anew, as it has less than it had acknowledged: NATS "
                + "writes to its disks now and then, and a power cut takes the rest"
        case .bucketDiffers(let what): "the cluster's bucket: \(what)"
        case .forbidden(let text): text
        case .refused(let text, let code, let isQuota):
            "JetStream refuses to store something: \(text) (\(code))"
                + (isQuota ? ": \(NATSFault.quotaAdvice)" : "")
        case .tooLong(let bytes):
            "\(bytes) bytes were not sent: the server's max_payload is less than that"
        }
    }
}
