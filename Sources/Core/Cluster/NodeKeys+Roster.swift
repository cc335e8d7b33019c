package import Bytes

/// What is known of one node of a cluster, for an operator.
package struct NodeSummary: Equatable, Sendable {
    package enum State: Equatable, Sendable { case alive, dead, left }

    package let name: ByteText
    package let incarnation: Incarnation
    package let isSelf: Bool
    package let state: State
    /// Empty while it was not heard.
    package let version: ByteText
    /// In milliseconds; for how long it was not heard, or has been gone.
    package let silence: Int64
    package let connections: UInt32
    package let sessions: UInt32
    package let rooms: UInt32

    package init(
        name: ByteText, incarnation: Incarnation, isSelf: Bool = false, state: State = .alive,
        version: ByteText, silence: Int64 = 0, connections: UInt32, sessions: UInt32, rooms: UInt32
    ) {
        self.name = name
        self.incarnation = incarnation
        self.isSelf = isSelf
        self.state = state
        self.version = version
        self.silence = silence
        self.connections = connections
        self.sessions = sessions
        self.rooms = rooms
    }
}

extension NodeKeys {
    /// All that live, by name, then those that are gone, as long as that is written down.
    package var roster: [NodeSummary] {
        let own = NodeSummary(
            name: nodeName, incarnation: incarnation, isSelf: true, version: version,
            connections: counts.connections, sessions: counts.sessions, rooms: counts.rooms)
        let all = [own] + others.compactMap { id, other in summary(id, other) }
        return all.sorted { one, two in
            if (one.state == .alive) != (two.state == .alive) { return one.state == .alive }
            if one.name != two.name {
                return one.name.utf8.lexicographicallyPrecedes(two.name.utf8)
            }
            return one.incarnation < two.incarnation
        }
    }

    /// Nil of one that is known by what others say alone.
    private func summary(_ id: Incarnation, _ other: Other) -> NodeSummary? {
        guard let record = other.record, other.state != .unknown else { return nil }
        let heartbeat = other.state == .alive ? other.heartbeat : nil
        let state: NodeSummary.State =
            other.state == .alive ? .alive : record.state == .left ? .left : .dead
        return NodeSummary(
            name: record.nodeName, incarnation: id, state: state,
            version: other.heartbeat?.version ?? "",
            silence: now - (state == .alive ? other.beatAt ?? other.since : other.since),
            connections: heartbeat?.connections ?? 0, sessions: heartbeat?.sessions ?? 0,
            rooms: heartbeat?.rooms ?? 0)
    }
}
