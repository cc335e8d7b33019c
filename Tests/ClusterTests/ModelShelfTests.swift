import TestSupport
import Testing

/// As `ModelTests`, where nodes end while no other lives (docs/architecture.md §14).
@Suite("A model of a cluster whose nodes leave sessions to the next process")
struct ModelShelfTests {
    /// Of fewer not all marks may be met.
    private static var count: Int { max(1000, ModelTests.count / 2) }

    private static func steps(seed: UInt64) -> [ModelStep] {
        var random = SeededGenerator(seed: ~seed)
        return ModelTests.steps(seed: seed).map { step in
            guard Int.random(in: 0..<12, using: &random) == 0 else { return step }
            let node = Int.random(in: 0..<3, using: &random)
            return ModelStep(kind: .shelve(node: node), seed: step.seed)
        }
    }

    @Test("Each session comes back or is lost to all, whoever else begins meanwhile")
    func sequences() {
        ModelTests.check(Self.count, meeting: ModelMark.ofShelves) { Self.steps(seed: $0) }
    }
}
