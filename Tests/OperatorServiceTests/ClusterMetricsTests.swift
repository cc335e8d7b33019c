import Bytes
import Monitoring
import Testing

@testable import Cluster
@testable import OperatorService
@testable import Relay

/// What a node of a cluster tells Prometheus (docs/operating.md, Metrics).
struct ClusterMetricsTests {
    private func node(
        _ name: ByteText, _ id: UInt64, _ waiting: ClusterLine.Waiting?
    ) -> NodeSummary {
        NodeSummary(
            name: name, incarnation: Incarnation(raw: id), isSelf: waiting == nil, state: .alive,
            version: "0", silence: 0, standing: .member, isDraining: false, reads: 1,
            report: NodeReport(), waiting: waiting)
    }

    private func families(
        _ roster: [NodeSummary] = [], store: ClusterState.Store? = nil
    ) -> [MetricFamily] {
        var figures = ClusterFigures()
        figures.roster = roster
        figures.counted.framesSent = 7
        figures.counted.diedOnTheWay = 1
        figures.counted.undrained = 2
        figures.counted.passedOver = 3
        return ClusterState(
            name: "c", nodeName: "n", standing: .member, figures: figures, store: store
        ).families
    }

    private func values(_ name: String, _ families: [MetricFamily]) -> [String: Double] {
        let samples = families.first { $0.name == name }?.samples ?? []
        return Dictionary(
            uniqueKeysWithValues: samples.map { ($0.labels.map(\.value).joined(), $0.value) })
    }

    @Test("A line is told once for each name, with the oldest of what waits (operating.md)")
    func lines() {
        let waiting = ClusterLine.Waiting(mails: 3, bytes: 500, oldestMilliseconds: 300)
        let other = ClusterLine.Waiting(mails: 1, bytes: 20, oldestMilliseconds: 1200)
        let told = families([
            node("one", 1, nil), node("two", 2, waiting), node("two", 3, other),
            node("three", 4, ClusterLine.Waiting()),
        ])
        #expect(values("usher_cluster_line_mails", told) == ["two": 4, "three": 0])
        #expect(values("usher_cluster_line_bytes", told) == ["two": 520, "three": 0])
        #expect(values("usher_cluster_line_seconds", told) == ["two": 1.2, "three": 0])
        #expect(values("usher_cluster_line_mails", families()) == [:])
    }

    @Test("What went wrong on the way is counted by why (operating.md)")
    func counts() {
        let told = families()
        #expect(values("usher_cluster_frames_total", told) == ["out": 7, "in": 0])
        #expect(
            values("usher_cluster_hand_overs_failed_total", told)
                == ["died": 1, "lost": 0, "declined": 2])
        #expect(values("usher_cluster_mails_passed_over_total", told) == ["": 3])
    }

    @Test("Who keeps the bucket is counted with its leader, a server alone as one (operating.md)")
    func replicas() {
        func counted(
            _ leader: ByteText?, _ replicas: [ClusterState.Store.Replica]
        ) -> [String: Double] {
            let store = ClusterState.Store(
                server: "nats://a", version: "2.11.0", servers: [], leader: leader,
                replicas: replicas, answerMilliseconds: 1, reconnects: 4)
            let told = families(store: store)
            #expect(values("usher_cluster_reconnects_total", told) == ["": 4])
            return values("usher_cluster_bucket_replicas", told)
        }
        #expect(counted(nil, []) == ["current": 1, "behind": 0])
        #expect(counted("a", []) == ["current": 1, "behind": 0])
        #expect(
            counted("a", [("b", true, 0), ("c", false, 9)]) == ["current": 2, "behind": 1])
        #expect(
            values("usher_cluster_bucket_replicas", families()) == ["current": 0, "behind": 0])
    }
}
