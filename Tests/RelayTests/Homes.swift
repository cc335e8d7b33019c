import Testing

/// Where the relays of a test are.
enum Home {
    /// In a cluster of one, unless they are in a larger one.
    @TaskLocal static var isCluster = false
}

/// Has each test run twice: with a relay in a process of its own, and with one that is the only
/// node of a cluster. Its clients must not notice.
struct InEachHome: TestTrait, SuiteTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await function()
        if testCase != nil { try await Home.$isCluster.withValue(true) { try await function() } }
    }
}

extension Trait where Self == InEachHome {
    static var inEachHome: Self { InEachHome() }
}
