import Foundation
import SocketLoop
import Testing

@Suite struct ProcessorsTests {
    @Test("The processors counted are some of those that are there")
    func count() {
        let count = Processors.usableCount
        #expect(count >= 1 && count <= ProcessInfo.processInfo.processorCount)
    }
}
