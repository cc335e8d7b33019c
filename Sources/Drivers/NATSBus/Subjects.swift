import Bytes
import Cluster

/// What the bus of a cluster is called on NATS.
struct Subjects: Sendable {
    let cluster: ClusterName
    /// Of the bucket. It stands in each key: what is asked of a bucket that was made anew meanwhile
    /// finds nothing in the new one, and changes nothing there.
    var nonce: UInt64 = 0

    func inBucket(_ nonce: UInt64) -> Subjects { Subjects(cluster: cluster, nonce: nonce) }

    var bucket: String { "usher-\(cluster)" }
    var stream: ByteText { "KV_\(bucket)" }
    private var keys: String { "$KV.\(bucket).\(nonce.hex)." }
    var all: String { keys + ">" }
    var nodes: String { keys + "node.>" }
    var race: String { keys + "race." }
    var heartbeats: String { "usher.\(cluster).beat" }

    func frames(to incarnation: Incarnation) -> String {
        "usher.\(cluster).to.\(incarnation.text)"
    }

    func subject(_ key: StoreKey) -> String { keys + key.text }

    func key(_ subject: ByteText) -> StoreKey? {
        guard subject.hasPrefix(ByteText(keys)) else { return nil }
        return StoreKey(subject.dropFirst(keys.utf8.count))
    }

    /// Of JetStream's own.
    func request(_ name: StaticString) -> String { "$JS.API.\(name).\(stream)" }
}

extension UInt64 {
    /// 16 digits.
    var hex: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// Nil but for 16 digits, as `hex` writes them.
    init?(hex: ByteText) {
        let isHex = hex.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        guard hex.count == 16, isHex, let value = UInt64(hex.string, radix: 16) else { return nil }
        self = value
    }
}
