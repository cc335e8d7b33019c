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
    /// Nil while it was not heard, or where it says nothing that this version knows.
    package let standing: SaidStanding?
    /// It is about to end.
    package let isDraining: Bool
    /// The newest format of rooms that it reads; 0 where that is not known.
    package let reads: UInt8
    /// Empty of one that is not alive, or was not heard.
    package let report: NodeReport
    /// What waits here for its answer; nil of the node itself, and of one that is not alive.
    package internal(set) var waiting: ClusterLine.Waiting?
}

extension NodeKeys {
    /// All that live, by name, then those that are gone, as long as that is written down.
    package var roster: [NodeSummary] {
        let own = NodeSummary(
            name: nodeName, incarnation: incarnation, isSelf: true, state: .alive,
            version: version, silence: 0, standing: saidStanding,
            isDraining: isDraining || isStopping, reads: reads, report: report)
        let all = [own] + others.compactMap { id, other in summary(id, other) }
        return all.sorted { one, two in
            if (one.state == .alive) != (two.state == .alive) { return one.state == .alive }
            if one.name != two.name {
                return one.name.utf8.lexicographicallyPrecedes(two.name.utf8)
            }
            return one.incarnation < two.incarnation
        }
    }

    /// `stopping` until it gives its sessions away, which is told apart.
    var saidStanding: SaidStanding? {
        standing == .member && isStopping && !isDraining ? .stopping : SaidStanding(standing)
    }

    /// Nil of one that is known by what others say alone.
    private func summary(_ id: Incarnation, _ other: Other) -> NodeSummary? {
        guard let record = other.record, other.state != .unknown else { return nil }
        let heartbeat = other.state == .alive ? other.heartbeat : nil
        let state: NodeSummary.State =
            other.state == .alive ? .alive : record.state == .left ? .left : .dead
        let standing = heartbeat.flatMap { SaidStanding(rawValue: $0.standing) }
        return NodeSummary(
            name: record.nodeName, incarnation: id, isSelf: false, state: state,
            version: other.heartbeat?.version ?? "",
            silence: now - (state == .alive ? other.beatAt ?? other.since : other.since),
            standing: standing,
            isDraining: heartbeat?.isDraining == true || standing == .stopping, reads: record.reads,
            report: heartbeat?.report ?? NodeReport())
    }
}
