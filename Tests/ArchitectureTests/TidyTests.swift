import Foundation
import Testing

/// Rules that are tested need no reviewer.
@Suite struct TidyTests {
    private typealias File = Checkout.File

    private func expectNone(_ findings: [String], _ rule: Comment) {
        #expect(findings.isEmpty, "\(rule): \(findings.joined(separator: ", "))")
    }

    private func findings(
        in files: [File], _ isFault: (Substring) -> Bool
    ) -> [String] {
        files.flatMap { file in
            file.lines.enumerated().filter { isFault($0.element) }
                .map { "\(file.path):\($0.offset + 1)" }
        }
    }

    @Test("The checkout is where these tests look for it")
    func findsTheCheckout() {
        #expect(Checkout.files.contains { $0.path == "Package.swift" })
        #expect(Checkout.swift.count > 50)
    }

    @Test("A file has at most 400 lines, and a line at most 100 columns")
    func sizes() {
        let code = Checkout.files.filter {
            // What is built of client/src is nobody's to read.
            let isBuilt =
                $0.path.hasPrefix("client/dist/") || $0.path.hasSuffix("Demo/webrtc-client.js")
            let isPage = [".css", ".js", ".mjs", ".ts"].contains(where: $0.path.hasSuffix)
            return $0.isSwift || $0.path.hasSuffix(".py") || isPage && !isBuilt
        }
        expectNone(
            code.filter { $0.lines.count > 401 }.map { "\($0.path) (\($0.lines.count))" },
            "longer than 400 lines")
        expectNone(
            findings(in: code) { $0.count > 100 && !$0.contains("https://") },
            "longer than 100 columns")
    }

    @Test("A function has at most 60 lines")
    func functionSizes() {
        var long: [String] = []
        for file in Checkout.swift {
            for (index, line) in file.lines.enumerated() {
                let body = line.drop { $0 == " " }
                let starts = ["func ", "init", "deinit", "subscript"].contains { word in
                    body.split(separator: " ").prefix(6).contains { $0.hasPrefix(word) }
                        && (body.contains("func ") || body.contains("init") || word != "func ")
                }
                guard starts, !body.hasPrefix("//"), !body.hasSuffix("}") else { continue }
                let end = String(line.prefix { $0 == " " }) + "}"
                let length = file.lines[index...].firstIndex { $0 == end }.map { $0 - index + 1 }
                if let length, length > 60 { long.append("\(file.path):\(index + 1) (\(length))") }
            }
        }
        expectNone(long, "functions longer than 60 lines")
    }

    @Test("Core knows no Foundation, no C library, no clock, no lock and no unsafe pointer")
    func coreIsPure() {
        let core = Checkout.swift.filter { $0.path.hasPrefix("Sources/Core/") }
        let forbidden = [
            "import Foundation", "import Glibc", "import Dispatch", "import Locking",
            "import Synchronization", "unsafe ", "Unsafe", "@unchecked", "async ",
            "SystemRandomNumberGenerator",
            "ContinuousClock", "SuspendingClock", ".random(",
        ]
        expectNone(
            findings(in: core) { line in
                !line.drop { $0 == " " }.hasPrefix("//") && forbidden.contains { line.contains($0) }
            }, "Core is values in, values out")
    }

    @Test("There is one kind of lock, which sanitizers can be made to understand")
    func oneLock() {
        let others = Checkout.swift.filter { !$0.path.hasPrefix("Sources/Base/Locking/") }
        expectNone(
            findings(in: others) { line in
                ["Mutex" + "(", "Mutex" + "<", "pthread_" + "mutex"].contains { line.contains($0) }
            }, "use Lock")
        let users = others.filter { $0.lines.contains { $0.contains("with" + "Lock") } }
        #expect(
            users.filter { !$0.lines.contains { $0.hasSuffix("import " + "Locking") } }.map(\.path)
                == [], "who calls a lock imports its module, whatever a lock is made of")
    }

    @Test("Services meet the world through ports alone")
    func servicesArePure() {
        let services = Checkout.swift.filter { $0.path.hasPrefix("Sources/Services/") }
        expectNone(
            findings(in: services) { line in
                ["import Foundation", "import Glibc", "import Dispatch", "unsafe "]
                    .contains { line.contains($0) }
                    && !line.drop { $0 == " " }.hasPrefix("//")
            }, "a service imports no system library")
    }

    @Test("Only the libraries for embedding have a public interface")
    func publicInterface() {
        let libraries = ["UsherVerifier", "UsherKeySet"].map { "Sources/Products/\($0)/" }
        let others = Checkout.swift.filter { file in
            file.path.hasPrefix("Sources/") && !libraries.contains { file.path.hasPrefix($0) }
        }
        expectNone(
            findings(in: others) { line in
                line.split(separator: " ").first == "public" || line.contains(" public func ")
            }, "`public` is a promise")
    }

    @Test("Each module has tests")
    func modulesHaveTests() {
        for layer in ["Base", "Core", "Drivers", "Services", "Products"] {
            for module in Checkout.subfolders(of: "Sources/\(layer)") {
                let tests = Checkout.swift.filter { $0.path.hasPrefix("Tests/\(module)Tests/") }
                let hasTest = tests.contains { $0.lines.contains { $0.contains("@Test") } }
                #expect(hasTest, "Tests/\(module)Tests holds no test")
            }
        }
    }

    @Test("C modules hold headers alone")
    func cModulesHoldNoLogic() {
        let sources = Checkout.files.filter {
            $0.path.hasPrefix("Sources/") && ($0.path.hasSuffix(".c") || $0.path.hasSuffix(".cc"))
        }
        #expect(sources.isEmpty)
    }

    @Test("What is left to do stands in an issue or a decision, not in the code")
    func noLooseEnds() {
        let words = ["TO" + "DO", "FIX" + "ME", "X" + "XX:"]
        let loose = findings(in: Checkout.files) { line in
            words.contains { line.contains($0) } && !line.contains("docs/decisions/")
                && !line.contains("issue #")
        }
        expectNone(loose, "name the issue or the decision")
    }

    @Test("No private key is in the checkout, and no path of somebody's machine")
    func nothingPrivate() {
        let marks = ["PRIVATE KEY" + "-----", "/home" + "/", "/Users" + "/"]
        expectNone(
            findings(in: Checkout.files) { line in marks.contains { line.contains($0) } },
            "private matter")
    }

    @Test("Decision records are numbered without a gap")
    func decisions() {
        let numbers = Checkout.subfolders(of: "docs/decisions")
            .filter { $0.hasSuffix(".md") && $0 != "README.md" }.compactMap { Int($0.prefix(4)) }
        #expect(numbers.count >= 7)
        #expect(numbers == Array(1...max(1, numbers.count)))
    }

    @Test("The changelog has an entry for this version")
    func changelog() throws {
        let main = try #require(
            Checkout.swift.first { $0.path == "Sources/Products/usher/Commands/Usher.swift" })
        let line = try #require(main.lines.first { $0.contains("let usherVersion") })
        let version = line.split(separator: "\"")[1]
        let changelog = Checkout.files.first { $0.path == "docs/CHANGELOG.md" }
        #expect(changelog?.lines.contains { $0.hasPrefix("## \(version)") } == true)
    }
}
