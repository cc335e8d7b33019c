package import Bytes
import Sessions

/// What is known of a node, under its key in the bucket.
package struct NodeRecord: Equatable, Sendable {
    package enum State: UInt8, Sendable {
        case alive = 1
        /// Others found it silent: it may not go on.
        case dead = 2
        /// It ended in order.
        case left = 3
    }

    /// What all nodes have to have alike.
    package struct Alike: Equatable, Sendable {
        package let setting: ByteText
        package let value: ByteText

        package init(setting: ByteText, value: ByteText) {
            self.setting = setting
            self.value = value
        }
    }

    /// What the node was in buckets of before.
    package enum Past: UInt8, Comparable, Sendable {
        case none = 0
        case registered = 1
        /// It let members in.
        case member = 2

        package static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
    }

    package static let bytesMax = 64 << 10
    private static let head = ByteHead(
        letters: (UInt8(ascii: "U"), UInt8(ascii: "N")), format: 1, bytesMax: bytesMax)

    package var state: State
    /// In another one it counts for nothing: it was written too late.
    package var epoch: BucketEpoch
    /// At which revision the key was there first; absent in that one itself.
    package var first: Revision
    package var past: Past
    /// Empty where it was written by others, who never heard of it.
    package var nodeName: ByteText
    /// In the order in which they were given.
    package var alike: [Alike]
    /// Documents of rooms in this format and those before it can be read there; 0 where it was
    /// written by others.
    package var reads: UInt8
    /// What later versions say besides.
    package var more: [UInt8]

    package init(
        _ state: State, epoch: BucketEpoch, first: Revision = .absent, past: Past = .none,
        nodeName: ByteText = "", alike: [Alike] = [], reads: UInt8 = 0, more: [UInt8] = []
    ) {
        self.state = state
        self.epoch = epoch
        self.first = first
        self.past = past
        self.nodeName = nodeName
        self.alike = alike
        self.reads = reads
        self.more = more
    }

    package var encoded: [UInt8] {
        var out = ByteWriter()
        Self.head.write(to: &out)
        out.put(state.rawValue)
        out.put(epoch)
        out.put(first.raw)
        out.put(past.rawValue)
        out.put(nodeName.utf8)
        out.put(UInt32(truncatingIfNeeded: alike.count))
        for alike in alike {
            out.put(alike.setting.utf8)
            out.put(alike.value.utf8)
        }
        out.put(reads)
        out.put(more)
        return out.bytes
    }

    /// Reads what `encoded` wrote, and takes nothing else for it.
    package init(_ bytes: [UInt8]) throws(WireFault) {
        self = try Self.head.read(bytes) { input throws(ByteReader.Fault) in
            guard let state = State(rawValue: try input.number()) else { throw input.fault }
            let (epoch, first) = (try input.epoch(), Revision(raw: try input.number()))
            guard let past = Past(rawValue: try input.number()) else { throw input.fault }
            let nodeName = try input.byteText()
            var alike: [Alike] = []
            for _ in try input.count() {
                alike.append(Alike(setting: try input.byteText(), value: try input.byteText()))
            }
            return Self(
                state, epoch: epoch, first: first, past: past, nodeName: nodeName, alike: alike,
                reads: try input.number(), more: Array(try input.part()))
        }
    }
}

/// In which format documents of rooms are written: all nodes that lived could read it, and it is
/// never lowered. The first one is in use where nothing is said.
package struct FormatRecord: Equatable, Sendable {
    package static let bytesMax = 64 << 10
    private static let head = ByteHead(
        letters: (UInt8(ascii: "U"), UInt8(ascii: "F")), format: 1, bytesMax: bytesMax)

    /// In another one it counts for nothing: it was written too late.
    package let epoch: BucketEpoch
    package let format: UInt8

    package init(epoch: BucketEpoch, _ format: UInt8) {
        self.epoch = epoch
        self.format = format
    }

    package var encoded: [UInt8] {
        var out = ByteWriter()
        Self.head.write(to: &out)
        out.put(epoch)
        out.put(format)
        return out.bytes
    }

    /// Reads what `encoded` wrote, and takes nothing else for it.
    package init(_ bytes: [UInt8]) throws(WireFault) {
        self = try Self.head.read(bytes) { input throws(ByteReader.Fault) in
            let (epoch, format) = (try input.epoch(), try input.number(UInt8.self))
            guard format > 0 else { throw input.fault }
            return Self(epoch: epoch, format)
        }
    }
}

/// Whom a bucket was opened to: all that lived in it then.
package struct OpenList: Equatable, Sendable {
    package static let bytesMax = 64 << 10
    private static let head = ByteHead(
        letters: (UInt8(ascii: "U"), UInt8(ascii: "O")), format: 1, bytesMax: bytesMax)

    /// In another one it counts for nothing: it was written too late.
    package let epoch: BucketEpoch
    package let nodes: Set<Incarnation>

    package init(epoch: BucketEpoch, _ nodes: Set<Incarnation>) {
        self.epoch = epoch
        self.nodes = nodes
    }

    package var encoded: [UInt8] {
        var out = ByteWriter()
        Self.head.write(to: &out)
        out.put(epoch)
        out.put(UInt32(truncatingIfNeeded: nodes.count))
        for node in nodes.sorted() { out.put(node.raw) }
        return out.bytes
    }

    /// Reads what `encoded` wrote, and takes nothing else for it.
    package init(_ bytes: [UInt8]) throws(WireFault) {
        self = try Self.head.read(bytes) { input throws(ByteReader.Fault) in
            let epoch = try input.epoch()
            var nodes: [Incarnation] = []
            for _ in try input.count() {
                let node = Incarnation(raw: try input.number())
                if let last = nodes.last, last >= node { throw input.fault }
                nodes.append(node)
            }
            return Self(epoch: epoch, Set(nodes))
        }
    }
}

/// What a node says of itself to all others, three times a second.
package struct Heartbeat: Equatable, Sendable {
    package static let bytesMax = 16 << 10
    private static let head = ByteHead(
        letters: (UInt8(ascii: "U"), UInt8(ascii: "H")), format: 1, bytesMax: bytesMax)

    package let incarnation: Incarnation
    /// All its members stand in the bucket of this epoch.
    package var restored: BucketEpoch?
    package var nodeName: ByteText
    /// Of the program, for people.
    package var version: ByteText
    package var report: NodeReport
    /// It is about to end, and takes no sessions.
    package var isDraining: Bool
    /// As `SaidStanding` has it; others are of later versions, or say nothing.
    package var standing: UInt8
    /// What later versions say besides.
    package var more: [UInt8]

    package init(
        _ incarnation: Incarnation, restored: BucketEpoch?, nodeName: ByteText,
        version: ByteText = "", report: NodeReport = NodeReport(), isDraining: Bool = false,
        standing: UInt8 = 0, more: [UInt8] = []
    ) {
        self.incarnation = incarnation
        self.restored = restored
        self.nodeName = nodeName
        self.version = version
        self.report = report
        self.isDraining = isDraining
        self.standing = standing
        self.more = more
    }

    package var encoded: [UInt8] {
        var out = ByteWriter()
        Self.head.write(to: &out)
        out.put(incarnation.raw)
        out.put(restored != nil)
        if let restored { out.put(restored) }
        out.put(nodeName.utf8)
        out.put(version.utf8)
        report.write(to: &out)
        out.put(isDraining)
        out.put(standing)
        out.put(more)
        return out.bytes
    }

    /// Reads what `encoded` wrote, and takes nothing else for it.
    package init(_ bytes: [UInt8]) throws(WireFault) {
        self = try Self.head.read(bytes) { input throws(ByteReader.Fault) in
            Self(
                Incarnation(raw: try input.number()),
                restored: try input.flag() ? try input.epoch() : nil,
                nodeName: try input.byteText(), version: try input.byteText(),
                report: try NodeReport(&input), isDraining: try input.flag(),
                standing: try input.number(), more: Array(try input.part()))
        }
    }
}
