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
    var rooms: String { keys + "room.>" }
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

    /// Beneath which a node of this name hears answers: nobody else of its account has to be let
    /// hear these, nor they what is said to others.
    func inboxes(of nodeName: String) -> String {
        let name = nodeName.utf8.prefix(64).map { byte -> UInt8 in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D: byte
            default: UInt8(ascii: "_")
            }
        }
        return "usher.\(cluster).inbox." + String(decoding: name, as: UTF8.self)
    }

    // MARK: Rights

    /// What an account has, and may have. No node needs it: it is for whoever looks whether that
    /// is enough.
    static let account = "$JS.API.INFO"

    /// All that a node has to be allowed to publish to.
    var published: [String] {
        [
            "usher.\(cluster).>", "$KV.\(bucket).>", request("STREAM.*"),
            request("STREAM.MSG.GET"), request("CONSUMER.CREATE") + ".>",
        ]
    }

    /// And to hear.
    var heard: [String] { ["usher.\(cluster).>"] }

    /// What a node lacks, by a server's refusal, which names the very subject; nil where it is
    /// nothing that a node needs.
    func right(refusedBy text: ByteText) -> Right? {
        let quoted = text.split(separator: UInt8(ascii: "\""))
        guard quoted.count > 1 else { return nil }
        let (toHear, subject) = (Right.isToHear(text), quoted[1])
        return (toHear ? heard : published).map { ByteText($0) }
            .first { Self.covers($0, subject) }.map { Right(toHear: toHear, subjects: $0) }
    }

    private static func covers(_ pattern: ByteText, _ subject: ByteText) -> Bool {
        let (words, parts) = (split(pattern), split(subject))
        for (index, word) in words.enumerated() {
            if word == ">" { return parts.count > index }
            guard index < parts.count, word == "*" || word == parts[index] else { return false }
        }
        return words.count == parts.count
    }

    private static func split(_ subject: ByteText) -> [ByteText] {
        subject.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    }
}

/// What a node has to be allowed to do.
struct Right: Hashable, CustomStringConvertible {
    let toHear: Bool
    let subjects: ByteText

    /// Whether it is a subscription that is refused, and not what was published.
    static func isToHear(_ text: ByteText) -> Bool {
        let (bytes, word) = (Array(text.utf8), Array("ubscription to".utf8))
        return bytes.indices.contains { bytes[$0...].starts(with: word) }
    }

    var description: String {
        "this node's user has to be allowed to \(toHear ? "subscribe" : "publish") to \(subjects)"
    }
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
