import Cluster
import Glibc
import TestSupport
import Testing

/// Several nodes, rooms, and all that may go wrong between them (docs/decisions/0036).
@Suite("A model of a cluster")
struct ModelTests {
    /// How many sequences; more than the usual number takes longer and finds more.
    static let count = setting("USHER_TEST_CLUSTER_SEQUENCES") ?? 2000
    static let first = setting("USHER_TEST_CLUSTER_FIRST") ?? 0

    private static func setting(_ name: String) -> Int? {
        unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) }
    }

    static func steps(seed: UInt64) -> [ModelStep] {
        var random = SeededGenerator(seed: seed)
        // Some go by without any mishap, or with none but nodes that end in order, or nothing
        // would show what has to go well then.
        let most = seed % 4 == 0 ? 90 : seed % 4 == 1 ? 94 : 114
        return (0..<Int.random(in: 3...30, using: &random)).map { _ in
            ModelStep(kind: kind(&random, most), seed: random.next())
        }
    }

    private static func kind(_ random: inout SeededGenerator, _ most: Int) -> ModelStep.Kind {
        let node = Int.random(in: 0..<3, using: &random)
        let any = Int.random(in: 0..<9, using: &random)
        switch Int.random(in: 0..<most, using: &random) {
        case 0..<36:
            return .join(
                node: node, room: any % 4 < 2 ? 0 : any % 3,
                peer: Int.random(in: 0..<24, using: &random),
                isV1: Int.random(in: 0..<4, using: &random) > 0)
        case 36..<48: return .leave(node: node, member: any)
        case 48..<72:
            let target = Int.random(in: 0..<9, using: &random)
            return .say(node: node, member: any, target: target < 7 ? target : nil)
        case 72, 73: return any % 3 == 0 ? .list(node: node) : .kick(node: node, member: any)
        case 74..<90:
            let number = Int.random(in: 0..<40, using: &random)
            return .resume(node: node, member: number, isForged: number % 9 == 0)
        case 90..<94: return .drain(node: node)
        case 94, 95: return .kill(node: node)
        case 96, 97:
            return any < 2 ? .farewell(node: node) : .change(node: node)
        case 98, 99: return .freeze(node: node, steps: Int.random(in: 2...70, using: &random))
        case 100: return .lag(node: node, steps: Int.random(in: 10...60, using: &random))
        case 101, 102: return .cutStore(node: node, isTold: any % 2 == 0)
        case 103, 104: return .cut(from: node, to: any % 3)
        case 105: return .isolate(node: node)
        case 106..<109: return .heal
        case 109, 110: return .vanish
        case 111: return .election(steps: Int.random(in: 10...36, using: &random))
        default: return .intrude(node: node, isAlike: any % 3 > 0)
        }
    }

    static func played(_ steps: [ModelStep]) -> ModelNet {
        var net = ModelNet.begun
        net.isSmooth = steps.allSatisfy(\.isSmooth)
        net.isOrderly = steps.allSatisfy(\.isOrderly)
        for step in steps {
            net.take(step)
            if !net.faults.isEmpty { return net }
        }
        net.settle()
        if net.faults.isEmpty { net.check() }
        return net
    }

    /// Without the steps that it fails without.
    static func shrunk(_ steps: [ModelStep]) -> [ModelStep] {
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

    /// Plays so many sequences until one fails, which is told; all of them have to meet these
    /// marks.
    static func check(
        _ count: Int, meeting wanted: Set<ModelMark>, steps: (UInt64) -> [ModelStep]
    ) {
        var unmet = wanted
        for seed in first..<(first + count) {
            let steps = steps(UInt64(seed))
            let net = played(steps)
            unmet.subtract(net.marks)
            guard !net.faults.isEmpty else { continue }
            let least = shrunk(steps)
            let sequence = least.map { "\($0)" }.joined(separator: "\n")
            Issue.record("seed \(seed): \(played(least).faults)\n\(sequence)")
            return
        }
        #expect(unmet.isEmpty, "\(unmet)")
    }

    @Test("One is the first, each pair is told once, nobody stays who is gone, whatever happens")
    func sequences() {
        let marks = Set(ModelMark.allCases).subtracting(ModelMark.ofShelves)
        Self.check(Self.count, meeting: marks) { Self.steps(seed: $0) }
    }
}
