import Foundation
import Testing

/// Examples that nobody compiles go stale.
@Suite("The examples of the public libraries")
struct ExampleTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    private static func lines(of path: String) throws -> [String] {
        try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static func comments() throws -> [(path: String, lines: [String])] {
        try ["UsherVerifier", "UsherKeySet"].flatMap { module in
            let folder = "Sources/Products/\(module)"
            return try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)")
                .filter { $0.hasSuffix(".swift") }.sorted()
                .map { ("\(folder)/\($0)", try lines(of: "\(folder)/\($0)")) }
        }
    }

    /// The lines of each block that begins with three backticks and `swift`.
    private static func blocks(in lines: [String]) -> [[String]] {
        var blocks: [[String]] = []
        var block: [String]?
        for line in lines {
            if line == "```swift" {
                block = []
            } else if line == "```", let whole = block {
                blocks.append(whole)
                block = nil
            } else {
                block?.append(line)
            }
        }
        return blocks
    }

    private static func contains(_ lines: [String], _ block: [String]) -> Bool {
        guard lines.count >= block.count else { return false }
        return (0...lines.count - block.count).contains { start in
            lines[start..<start + block.count].elementsEqual(block)
        }
    }

    @Test("Every example in a comment stands in Tests/Embedding, where it is compiled")
    func compiled() throws {
        let compiled = try Self.lines(of: "Tests/Embedding/Sources/embedding/Examples.swift")
        var count = 0
        for (path, lines) in try Self.comments() {
            let texts = lines.map { line in
                line.hasPrefix("///")
                    ? line.dropFirst(3).trimmingCharacters(in: .whitespaces) : ""
            }
            for block in Self.blocks(in: texts) {
                count += 1
                #expect(Self.contains(compiled, block), "\(path): \(block.first ?? "")")
            }
        }
        #expect(count >= 20)
    }

    @Test("Every public type, initialiser and function has an example")
    func present() throws {
        let words = ["struct", "class", "enum", "func", "init(", "static func", "final class"]
            .flatMap { ["public \($0)", "public convenience \($0)"] }
        for (path, lines) in try Self.comments() {
            for (index, line) in lines.enumerated()
            where words.contains(where: { line.hasPrefix($0) }) {
                let comment = lines[..<index].reversed().prefix { $0.hasPrefix("///") }
                #expect(comment.contains("/// ```swift"), "\(path): \(line)")
            }
        }
    }

    @Test("Every example of docs/embedding.md stands in Tests/Embedding or the Hummingbird sample")
    func guide() throws {
        let sources = try [
            "Tests/Embedding/Sources/embedding/Examples.swift",
            "Tests/EmbeddingHummingbird/Sources/guarded-rooms/TokenGuard.swift",
            "Tests/EmbeddingHummingbird/Sources/guarded-rooms/Rooms.swift",
        ].map { try Self.lines(of: $0) }
        let blocks = Self.blocks(in: try Self.lines(of: "docs/embedding.md"))
            .filter { !$0.joined().contains(".package(") }
        #expect(blocks.count >= 3)
        for block in blocks {
            #expect(
                sources.contains { Self.contains($0, block) },
                "docs/embedding.md: \(block.first ?? "")")
        }
    }
}
