import Foundation

/// The files of the checkout that people wrote, read once.
enum Checkout {
    struct File: Sendable {
        /// From the root of the checkout: `Sources/Core/Tokens/JWK.swift`.
        let path: String
        let lines: [Substring]
        /// Of a Swift file.
        let code: SwiftCode

        var isSwift: Bool { path.hasSuffix(".swift") }
        var isTest: Bool { path.hasPrefix("Tests/") }
    }

    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let files: [File] = {
        let folders = [
            "Sources", "Tests", "Benchmarks", "Fuzz", "client", "deploy", "docs", "keys", "scripts",
            ".ci",
        ]
        let top = [
            "Package.swift", "README.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE",
            ".gitignore", ".editorconfig",
        ]
        let nested = folders.flatMap { folder in
            let entries = FileManager.default.enumerator(atPath: root.path + "/" + folder)
            return (entries?.compactMap { $0 as? String } ?? []).map { folder + "/" + $0 }
        }
        return (top + nested).filter(isWritten).compactMap(read)
    }()

    static var swift: [File] { files.filter(\.isSwift) }

    /// Whether there is a file or a folder.
    static func has(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.path + "/" + path)
    }

    static func subfolders(of path: String) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: root.path + "/" + path)
        return (names ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }

    private static func isWritten(_ path: String) -> Bool {
        !path.split(separator: "/").contains {
            $0.hasPrefix(".build") || $0 == "__pycache__" || $0 == "node_modules"
        }
    }

    private static func read(_ path: String) -> File? {
        guard let data = FileManager.default.contents(atPath: root.path + "/" + path),
            let text = String(data: data, encoding: .utf8)
        else { return nil }
        return File(
            path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false),
            code: SwiftCode(path.hasSuffix(".swift") ? text : ""))
    }
}
