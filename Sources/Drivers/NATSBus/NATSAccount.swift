import Bytes
import StrictJSON

/// What the nodes' account has in JetStream, and what it may have.
package struct NATSAccount: Equatable, Sendable {
    package struct Quota: Equatable, Sendable {
        package let used: Int64
        /// Nil where nobody has set one.
        package let most: Int64?

        /// Nil where there is no end to it.
        package var left: Int64? { most.map { max(0, $0 - used) } }
    }

    /// In bytes of files, each replica counted.
    package let storage: Quota
    package let streams: Quota
    package let consumers: Quota

    /// From an answer to `$JS.API.INFO`; nil where that tells nothing of it. Where an account has
    /// limits for each number of replicas, those for three count, or else those for one.
    init?(_ text: [UInt8]) {
        guard case .success(let info) = JetStreamAnswer.object(text) else { return nil }
        let tiers = info["tiers"]?.object
        let tier = tiers?["R3"]?.object ?? tiers?["R1"]?.object ?? info
        guard let limits = tier["limits"]?.object else { return nil }
        func quota(_ used: JSONValue?, _ most: JSONValue?) -> Quota {
            let most = most?.int64 ?? -1
            return Quota(used: max(0, used?.int64 ?? 0), most: most < 0 ? nil : most)
        }
        storage = quota(tier["storage"], limits["max_storage"])
        streams = quota(tier["streams"], limits["max_streams"])
        consumers = quota(tier["consumers"], limits["max_consumers"])
    }
}
