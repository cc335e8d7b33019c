import Bytes
import Testing

@testable import OperatorService

@Suite("Answers by route and status (docs/operating.md)")
struct HTTPCountsTests {
    @Test("Each is counted by its route and status; a refusal on no route is told of elsewhere")
    func counts() {
        let counts = HTTPCounts(routes: ["/a", "/b"], now: { 0 })
        for _ in 0..<3 { counts.count(path: "/a", status: 200) }
        for _ in 0..<2 { counts.count(path: "/a", status: 429) }
        counts.count(path: "/a", status: 401)
        counts.count(path: "/b", status: 429)
        counts.count(path: "/c", status: 404)
        counts.count(path: "other", status: 404)
        #expect(counts.total == 9)
        let refusals = counts.refusals.map { "\($0.reason): \($0.count)" }
        #expect(Set(refusals) == ["/a 429: 2", "/a 401: 1", "/b 429: 1"])
    }
}
