import Cluster
import Glibc
import TestSupport
import Testing

/// Several nodes, a room, and all that may go wrong between them (docs/decisions/0036).
@Suite("A model of a cluster")
struct ModelTests {
    /// How many sequences; more than the usual number takes longer and finds more.
    private static var count: Int {
        unsafe getenv("USHER_TEST_CLUSTER_SEQUENCES").flatMap { unsafe Int(String(cString: $0)) }
            ?? 2000
    }

    private static func steps(seed: UInt64) -> [ModelStep] {
        var random = SeededGenerator(seed: seed)
        return (0..<Int.random(in: 3...30, using: &random)).map { _ in
            ModelStep(kind: kind(&random), seed: random.next())
        }
    }

    private static func kind(_ random: inout SeededGenerator) -> ModelStep.Kind {
        let node = Int.random(in: 0..<3, using: &random)
        switch Int.random(in: 0..<40, using: &random) {
        case 0..<20:
            return .join(
                node: node, peer: Int.random(in: 0..<24, using: &random),
                isV1: Int.random(in: 0..<4, using: &random) > 0)
        case 20..<32: return .leave(node: node, member: Int.random(in: 0..<9, using: &random))
        case 32, 33: return .kill(node: node)
        case 34: return .suspect(node: node)
        case 35, 36: return .cut(from: node, to: Int.random(in: 0..<3, using: &random))
        case 37, 38: return .heal
        default: return .vanish
        }
    }

    private static func played(_ steps: [ModelStep]) -> ModelNet {
        var net = ModelNet(nodes: 3)
        for step in steps {
            net.take(step)
            if !net.faults.isEmpty { return net }
        }
        net.settle()
        net.check()
        return net
    }

    /// Without the steps that it fails without.
    private static func shrunk(_ steps: [ModelStep]) -> [ModelStep] {
        var steps = steps
        var length = steps.count / 2
        while length > 0 {
            var index = 0
            while index + length <= steps.count {
                var fewer = steps
                fewer.removeSubrange(index..<(index + length))
                if played(fewer).faults.isEmpty { index += length } else { steps = fewer }
            }
            length /= 2
        }
        return steps
    }

    @Test("One is the first, each pair is told once, nobody stays who is gone, whatever happens")
    func sequences() {
        var marks: Set<ModelMark> = []
        for seed in 0..<UInt64(Self.count) {
            let steps = Self.steps(seed: seed)
            let net = Self.played(steps)
            marks.formUnion(net.marks)
            guard !net.faults.isEmpty else { continue }
            let least = Self.shrunk(steps)
            let sequence = least.map { "\($0)" }.joined(separator: "\n")
            Issue.record("seed \(seed): \(Self.played(least).faults)\n\(sequence)")
            return
        }
        #expect(Set(ModelMark.allCases).subtracting(marks).isEmpty)
    }
}
