import Cluster
import Glibc
import TestSupport
import Testing

/// Several nodes, rooms, and all that may go wrong between them (docs/decisions/0036).
@Suite("A model of a cluster")
struct ModelTests {
    /// How many sequences; more than the usual number takes longer and finds more.
    private static let count = setting("USHER_TEST_CLUSTER_SEQUENCES") ?? 2000
    private static let first = setting("USHER_TEST_CLUSTER_FIRST") ?? 0

    private static func setting(_ name: String) -> Int? {
        unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) }
    }

    private static func steps(seed: UInt64) -> [ModelStep] {
        var random = SeededGenerator(seed: seed)
        // Some go by without any mishap, or nothing would show what has to go well then.
        let most = seed % 4 == 0 ? 80 : 100
        return (0..<Int.random(in: 3...30, using: &random)).map { _ in
            ModelStep(kind: kind(&random, most), seed: random.next())
        }
    }

    private static func kind(_ random: inout SeededGenerator, _ most: Int) -> ModelStep.Kind {
        let node = Int.random(in: 0..<3, using: &random)
        let any = Int.random(in: 0..<9, using: &random)
        switch Int.random(in: 0..<most, using: &random) {
        case 0..<38:
            return .join(
                node: node, room: any % 4 < 2 ? 0 : any % 3,
                peer: Int.random(in: 0..<24, using: &random),
                isV1: Int.random(in: 0..<4, using: &random) > 0)
        case 38..<56: return .leave(node: node, member: any)
        case 56..<79:
            let target = Int.random(in: 0..<9, using: &random)
            return .say(node: node, member: any, target: target < 7 ? target : nil)
        case 79: return .kick(node: node, member: any)
        case 80..<83: return .kill(node: node)
        case 83: return .farewell(node: node)
        case 84, 85: return .freeze(node: node, steps: Int.random(in: 2...70, using: &random))
        case 86: return .lag(node: node, steps: Int.random(in: 10...60, using: &random))
        case 87, 88: return .cutStore(node: node, isTold: any % 2 == 0)
        case 89, 90: return .cut(from: node, to: any % 3)
        case 91: return .isolate(node: node)
        case 92..<95: return .heal
        case 95, 96: return .vanish
        case 97: return .election(steps: Int.random(in: 10...36, using: &random))
        default: return .intrude(node: node, isAlike: any % 3 > 0)
        }
    }

    private static func played(_ steps: [ModelStep]) -> ModelNet {
        var net = ModelNet.begun
        net.isSmooth = steps.allSatisfy(\.isSmooth)
        for step in steps {
            net.take(step)
            if !net.faults.isEmpty { return net }
        }
        net.settle()
        if net.faults.isEmpty { net.check() }
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
        for seed in Self.first..<(Self.first + Self.count) {
            let steps = Self.steps(seed: UInt64(seed))
            let net = Self.played(steps)
            marks.formUnion(net.marks)
            guard !net.faults.isEmpty else { continue }
            let least = Self.shrunk(steps)
            let sequence = least.map { "\($0)" }.joined(separator: "\n")
            Issue.record("seed \(seed): \(Self.played(least).faults)\n\(sequence)")
            return
        }
        let unmet = Set(ModelMark.allCases).subtracting(marks)
        #expect(unmet.isEmpty, "\(unmet)")
    }
}
