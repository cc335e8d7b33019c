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

    @Test("A function has at most 60 lines, wherever it stands and whatever it looks like")
    func functionSizes() {
        var (long, count) = ([String](), 0)
        for file in Checkout.swift {
            for function in FunctionReader(file.code).found {
                guard let lines = function.lines else { continue }
                count += 1
                if lines.count > 60 {
                    let place = "\(file.path):\(lines.lowerBound)"
                    long.append("\(place) \(function.name) (\(lines.count))")
                }
            }
        }
        print("\(count) functions in \(Checkout.swift.count) files, of at most 60 lines each")
        expectNone(long, "functions longer than 60 lines")
    }

    /// What begins a declaration before its own word.
    private static let modifiers: Set<Substring> = [
        "borrowing", "class", "consuming", "convenience", "dynamic", "fileprivate", "final",
        "internal", "isolated", "lazy", "mutating", "nonisolated", "nonisolated(unsafe)",
        "nonmutating", "open", "override", "package", "private", "private(set)", "public",
        "required", "static", "unowned", "weak",
    ]

    /// Declarations of functions as lines show them, which knows nothing of what `FunctionReader`
    /// goes by: the first word behind attributes and modifiers.
    private func declarations(in file: File) -> Int {
        file.lines.count { line in
            let words = line.split(separator: " ").drop {
                $0.hasPrefix("@") || Self.modifiers.contains($0)
            }
            guard let first = words.first else { return false }
            if first == "func" || first == "deinit" { return words.count > 1 }
            if first == "var", let brace = line.firstIndex(of: "{") {
                return line[..<brace].contains(": ") && !line[..<brace].contains("=")
            }
            return ["init(", "init<", "init?", "init!", "subscript(", "subscript<"]
                .contains(where: first.hasPrefix)
        }
    }

    @Test("The reader of functions misses none that lines show")
    func seesFunctions() {
        let samples = "Tests/ArchitectureTests/FunctionReaderTests.swift"
        var (missing, count) = ([String](), 0)
        for file in Checkout.swift where file.path != samples {
            let (seen, shown) = (FunctionReader(file.code).found.count, declarations(in: file))
            if seen < shown { missing.append("\(file.path): \(seen) of \(shown)") }
            count += shown
        }
        #expect(count > 5000, "the lines are read")
        expectNone(missing, "functions that are not seen")
    }

    @Test("Core is pure: no Foundation, C library, clock, lock, chance, waiting or unsafe pointer")
    func coreIsPure() {
        let modules = Set(Checkout.subfolders(of: "Sources/Core"))
        let forbidden: Set<Substring> = [
            "SystemRandomNumberGenerator", "ContinuousClock", "SuspendingClock", "Task", "async",
            "await", "print", "random", "randomElement", "readLine", "shuffle", "shuffled",
            "unchecked", "unsafe",
        ]
        for file in Checkout.swift where file.path.hasPrefix("Sources/Core/") {
            expectNone(
                file.code.imports.filter { !modules.contains(String($0)) }.map(String.init),
                "imports of \(file.path) that are not of Core")
            let words = file.code.words.filter { word in
                // What is random comes in as an argument, which may be called so.
                let isLabel = word.text == "random" && !file.code.isCalled(word)
                return forbidden.contains(word.text) && !isLabel || word.text.hasPrefix("Unsafe")
            }
            expectNone(
                words.map { "\(file.path):\($0.line) \($0.text)" }, "values in, values out")
        }
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
        let modules = ["Base", "Core", "Services"].flatMap {
            Checkout.subfolders(of: "Sources/\($0)")
        }
        // Atomics.
        let allowed = Set(modules + ["Synchronization"])
        for file in Checkout.swift where file.path.hasPrefix("Sources/Services/") {
            expectNone(
                file.code.imports.filter { !allowed.contains(String($0)) }.map(String.init),
                "imports of \(file.path) that no service may have")
            let words = file.code.words.filter {
                $0.text == "unsafe" || $0.text.hasPrefix("Unsafe")
            }
            expectNone(words.map { "\(file.path):\($0.line) \($0.text)" }, "unsafe")
        }
    }

    @Test("Only the libraries for embedding have a public interface")
    func publicInterface() {
        let libraries = ["UsherVerifier", "UsherKeySet"].map { "Sources/Products/\($0)/" }
        let (own, others) = (
            Checkout.swift.filter { file in libraries.contains { file.path.hasPrefix($0) } },
            Checkout.swift.filter { file in
                file.path.hasPrefix("Sources/") && !libraries.contains { file.path.hasPrefix($0) }
            }
        )
        func places(_ files: [File]) -> [String] {
            files.flatMap { file in
                // An import that is handed on is no interface.
                file.code.words.filter {
                    $0.text == "public" && !file.code.isBefore($0, "import")
                }.map { "\(file.path):\($0.line)" }
            }
        }
        #expect(places(own).count > 20)
        expectNone(places(others), "`public` is a promise")
    }

    @Test("What a debug build alone has stands in these files")
    func debugBuilds() {
        let files = [
            "Sources/Core/Cluster/ImaginedVersion.swift",
            "Sources/Core/Sessions/ImaginedFormat.swift",
            "Sources/Products/usher/Settings/NodeVersion.swift",
        ]
        let found = Checkout.swift.filter { file in
            file.lines.contains { line in
                line.contains("DEB" + "UG")
                    && ["#" + "if ", "#" + "elseif "].contains { line.contains($0) }
            }
        }
        #expect(found.map(\.path).sorted() == files, "what is tested is what is run in earnest")
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
