import Cluster

/// Some nodes' keys over a store that does what it is asked at once, as time passes.
struct KeysNet {
    static let epoch = BucketEpoch(createdAt: 1, nonce: 1)

    var nodes: [NodeKeys] = []
    var said: [[NodeKeys.Effect]] = []
    var epoch = Self.epoch
    var keys: [StoreKey: (bytes: [UInt8], revision: Revision)] = [:]
    var lastRevision: UInt64 = 0
    var now: Int64 = 0
    /// Whose heartbeats nobody hears.
    var mute: Set<Int> = []
    /// Whose requests are answered with `unknown`.
    var cut: Set<Int> = []
    /// Whose writes come through, and are answered so all the same.
    var unanswered: Set<Int> = []
    /// Who does not run.
    var stopped: Set<Int> = []
    /// Who is told of nothing for now, and of what it will be told.
    var lagging: Set<Int> = []
    var untold: [(node: Int, key: StoreKey, bytes: [UInt8], revision: Revision)] = []
    /// What the store was asked for, by whom.
    var writes: [(node: Int, key: StoreKey, base: Revision)] = []

    static func incarnation(_ node: Int) -> Incarnation { Incarnation(raw: UInt64(node) + 1) }

    /// Without a name it gets one of its own.
    mutating func start(name: String? = nil, issuer: String = "a", reads: UInt8 = 1) {
        let node = nodes.count
        let configuration = ClusterNode.Configuration(
            nodeName: name ?? "n\(node)", version: "v\(reads)", alike: [("issuer", issuer)],
            membersPerRoomMax: 0, reads: reads)
        nodes.append(NodeKeys(configuration, Self.incarnation(node)))
        said.append([])
        tell(node) { [now] in $0.ticked(now, &$1) }
        connect(node)
    }

    mutating func connect(_ node: Int) {
        tell(node) { [epoch] in $0.connected(epoch, &$1) }
        for (key, value) in keys.sorted(by: { $0.value.revision < $1.value.revision }) {
            tell(node) { $0.watched(key, value.bytes, value.revision, &$1) }
        }
        tell(node) { $0.watchedAll(&$1) }
    }

    mutating func vanish() {
        keys = [:]
        epoch = BucketEpoch(createdAt: epoch.createdAt + 1, nonce: epoch.nonce + 1)
    }

    mutating func run(_ milliseconds: Int64) {
        let end = now + milliseconds
        while now < end {
            now += 100
            for node in nodes.indices where !stopped.contains(node) {
                tell(node) { [now] in $0.ticked(now, &$1) }
            }
        }
    }

    mutating func set(_ node: Int, _ key: StoreKey, _ bytes: [UInt8]) {
        lastRevision += 1
        keys[key] = (bytes, Revision(raw: lastRevision))
        let revision = Revision(raw: lastRevision)
        for node in nodes.indices where !stopped.contains(node) {
            guard !lagging.contains(node) else {
                untold.append((node, key, bytes, revision))
                continue
            }
            guard !cut.contains(node) else { continue }
            tell(node) { $0.watched(key, bytes, revision, &$1) }
        }
    }

    mutating func catchUp() {
        lagging = []
        for (node, key, bytes, revision) in untold {
            tell(node) { $0.watched(key, bytes, revision, &$1) }
        }
        untold = []
    }

    mutating func tell(_ node: Int, _ event: (inout NodeKeys, inout [NodeKeys.Effect]) -> Void) {
        var effects: [NodeKeys.Effect] = []
        event(&nodes[node], &effects)
        for effect in effects { perform(effect, node) }
    }

    private mutating func perform(_ effect: NodeKeys.Effect, _ node: Int) {
        said[node].append(effect)
        switch effect {
        case .read(let key, let request):
            let value = keys[key]
            let answer: StoreAnswer =
                cut.contains(node) ? .unknown : .found(value?.bytes, value?.revision ?? .absent)
            tell(node) { $0.answered(answer, request: request, &$1) }
        case .write(let key, let bytes, let base, let request):
            writes.append((node, key, base))
            guard !cut.contains(node) else {
                return tell(node) { $0.answered(.unknown, request: request, &$1) }
            }
            let isMet = keys[key]?.revision ?? .absent == base
            if isMet { set(node, key, bytes) }
            let answer: StoreAnswer =
                unanswered.contains(node)
                ? .unknown : isMet ? .accepted(Revision(raw: lastRevision)) : .conflict
            tell(node) { $0.answered(answer, request: request, &$1) }
        case .purge(let key, let revision):
            guard let value = keys[key], value.revision <= revision else { return }
            keys[key] = nil
            for node in nodes.indices { tell(node) { $0.watched(key, nil, revision, &$1) } }
        case .heartbeat(let bytes):
            guard !mute.contains(node), let heartbeat = try? Heartbeat(bytes) else { return }
            for other in nodes.indices where other != node && !stopped.contains(other) {
                tell(other) { $0.heard(heartbeat, &$1) }
            }
        case .died, .recheck, .renewed, .restored, .standing: return
        }
    }

    // MARK: Looking

    func record(_ node: Int) -> NodeRecord? {
        keys[.node(nodes[node].incarnation)].flatMap { try? NodeRecord($0.bytes) }
    }

    func standings(_ node: Int) -> [NodeStanding] {
        said[node].compactMap { if case .standing(let standing) = $0 { standing } else { nil } }
    }

    func count(_ effect: NodeKeys.Effect, _ node: Int) -> Int {
        said[node].count { $0 == effect }
    }

    func heartbeats(_ node: Int) -> Int {
        said[node].count { if case .heartbeat = $0 { true } else { false } }
    }
}
