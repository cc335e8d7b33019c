import Testing

/// What documents tell of the code stands in the code, and the other way round. Routes against
/// `docs/openapi.json`, metrics, schemas and commands have tests of their own: `OpenAPITests`,
/// `test_metrics.py`, `test_protocol_reference.py` and `test_documented_commands.py`.
@Suite struct DocumentTests {
    private static func lines(_ path: String) -> [Substring] {
        Checkout.files.first { $0.path == path }?.lines ?? []
    }

    /// From behind the heading to the next one.
    private static func section(_ heading: String, of path: String) -> [Substring] {
        Array(
            lines(path).drop { $0 != heading }.dropFirst().prefix { !$0.hasPrefix("#") })
    }

    /// The rows of a section's tables, without their heads, as cells.
    private static func rows(_ heading: String, of path: String) -> [[Substring]] {
        let all = section(heading, of: path)
        return all.indices.filter { index in
            all[index].hasPrefix("| ")
                && !(index + 1 < all.count && all[index + 1].hasPrefix("|--"))
        }.map { index in all[index].dropFirst(2).split(separator: " |").map { $0.trimmed } }
    }

    /// What stands between pairs of a mark.
    private static func parts(of text: Substring, between mark: Character = "`") -> [Substring] {
        text.split(separator: mark, omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) }.map(\.element)
    }

    /// What stands behind each occurrence of `start`, up to a quote.
    private static func literals(behind start: String, in lines: [Substring]) -> [Substring] {
        lines.flatMap { line in
            line.ranges(of: start).map { line[$0.upperBound...].prefix { $0 != "\"" } }
        }
    }

    private static let sources = Checkout.swift.filter { $0.path.hasPrefix("Sources/") }

    private func expectSame(
        _ documented: some Sequence<Substring>, _ found: some Sequence<Substring>
    ) {
        let (documented, found) = (Set(documented), Set(found))
        #expect(documented.subtracting(found) == [], "in the document, and not in the code")
        #expect(found.subtracting(documented) == [], "in the code, and not in the document")
        #expect(!found.isEmpty)
    }

    @Test("docs/protocol.md §4 lists the close codes of the code, and the client knows no others")
    func closeCodes() {
        let documented = Self.rows(
            "### Closes, and what to do after one", of: "docs/protocol.md"
        ).map { $0[0] }.filter { $0 != "none (1006)" }
        let path = "Sources/Core/WebSocket/CloseCode.swift"
        let found = Self.lines(path).flatMap { line in
            line.ranges(of: "static let").isEmpty
                ? [] : line.ranges(of: "rawValue: ").map { line[$0.upperBound...].prefix(4) }
        }
        expectSame(documented, found)
        let client = Self.lines("client/src/codes.ts").flatMap { line in
            line.ranges(of: ": '").map { line[..<$0.lowerBound].suffix(4) }
        }.filter { $0.count == 4 && $0.allSatisfy(\.isNumber) }
        #expect(!client.isEmpty && Set(client).isSubset(of: found))
    }

    @Test("docs/protocol.md §4 lists the errors of the code")
    func errorCodes() {
        let documented = Self.rows("### Refused messages", of: "docs/protocol.md")
            .flatMap { Self.parts(of: $0[0]) }
        let path = "Sources/Core/Signalling/SignalError.swift"
        expectSame(documented, Self.literals(behind: " = \"", in: Self.lines(path)))
    }

    @Test("docs/protocol.md §1 lists the errors of a refused handshake")
    func handshakeErrors() {
        let documented = ["### Refusals", "### Asking why"].flatMap { heading in
            Self.rows(heading, of: "docs/protocol.md").filter { $0.count == 3 }
                .flatMap { Self.parts(of: $0[1]) }
        }.filter { $0 != "{}" }
        let path = "Sources/Services/Admission/AdmissionRefusal.swift"
        let answers = Self.lines(path).flatMap { line in
            line.ranges(of: ", \"").filter { range in
                line[..<range.lowerBound].suffix(3).allSatisfy(\.isNumber)
            }.map { line[$0.upperBound...].prefix { $0 != "\"" } }
        }
        // From where the service is not yet up, and from the room that was asked about.
        let others = Self.literals(
            behind: "503, \"", in: Self.lines("Sources/Products/usher/Serving/Site.swift"))
        expectSame(documented, answers + others + ["room_forbidden", "room_full"])
    }

    @Test("docs/architecture.md §3 lists the threads and queues by their names")
    func threads() {
        let documented = Self.rows("## 3. Threads", of: "docs/architecture.md")
            .flatMap { Self.parts(of: $0[1]) }
        let starts = [
            // The last two on a line of their own.
            "OwnThread(named: \"", "Errands(named: \"", "Crew(named: \"", "DispatchQueue(label: \"",
            "    named: \"", "    label: \"",
        ]
        let found = Self.sources.flatMap { file in
            starts.flatMap { Self.literals(behind: $0, in: file.lines) }
        }.map { name in
            // `usher-loop-\(index)` is documented as `usher-loop-N`.
            name.firstRange(of: "\\(").map { Substring(name[..<$0.lowerBound] + "N") } ?? name
        }
        expectSame(documented, found)
        let unnamed = Self.sources.filter { file in
            ["pthread_create(", "Thread.detach", "DispatchQueue.global"].contains { mark in
                file.lines.contains { $0.contains(mark) }
            }
        }.map(\.path)
        #expect(unnamed == ["Sources/Drivers/Threads/OwnThread.swift"])
    }

    @Test("docs/architecture.md §2 lists the modules, and §10 what they depend on")
    func modules() {
        let layers = ["Base", "CModules", "Core", "Drivers", "Services", "Products"]
        let documented = Self.rows("## 2. Layers: who may know whom", of: "docs/architecture.md")
            .flatMap { Self.parts(of: $0[0]) }
        expectSame(
            documented,
            layers.flatMap { Checkout.subfolders(of: "Sources/\($0)") }.map { Substring($0) })

        let rows = Self.rows(
            "## 10. Dependencies, and what each is for", of: "docs/architecture.md")
        let packages = Self.literals(behind: ".package(url: \"", in: Self.lines("Package.swift"))
            .compactMap { $0.split(separator: "/").last }
        let linked = Checkout.subfolders(of: "Sources/CModules").flatMap { module in
            Self.literals(
                behind: "link \"", in: Self.lines("Sources/CModules/\(module)/module.modulemap"))
        }
        expectSame(rows.flatMap { Self.parts(of: $0[1]) }, packages + linked)
    }

    @Test("The rules in CONTRIBUTING.md are held by tests that there are")
    func rules() {
        let rows = Self.rows("## The rules of the house", of: "CONTRIBUTING.md")
        #expect(rows.count > 10)
        for row in rows {
            let swift = Self.parts(of: row[1], between: "\"").map(String.init)
            let python = Self.parts(of: row[1]).filter { $0.hasPrefix("test_") }.map(String.init)
            let missing =
                swift.filter { !ConformanceTests.swiftNames.contains($0) }
                + python.filter { !ConformanceTests.pythonNames.contains($0) }
            #expect(missing == [], "no such test")
            #expect(!swift.isEmpty || !python.isEmpty || row[1].hasPrefix("`Package.swift`"))
        }
    }

    @Test("What docs/cluster.md says of failures is held by tests that there are")
    func failures() {
        let rows = Self.rows("## What happens when what fails", of: "docs/cluster.md")
        #expect(rows.count > 15)
        for row in rows {
            let named = Self.parts(of: row[2]).map(String.init)
            let missing = named.filter { !ConformanceTests.pythonNames.contains($0) }
            #expect(missing == [], "no such test")
            #expect(!named.isEmpty)
        }
    }

    @Test("docs/operating.md tells of each code why a node takes no part, in its section Health")
    func standings() {
        let documented = Self.rows("## Health", of: "docs/operating.md")
            .filter { $0.count >= 2 && !$0[0].hasPrefix("`GET ") }
            .flatMap { Self.parts(of: $0[0]) }
        func literals(behind start: String, in path: String) -> [Substring] {
            let body = Self.lines(path).drop { !$0.contains(start) }
            // Up to the end of what is declared there.
            let indent = body.first?.prefix { $0 == " " } ?? ""
            return body.prefix { $0 != indent + "}" }.flatMap { Self.parts(of: $0, between: "\"") }
        }
        let bus = "Sources/Services/Relay/BusLine.swift"
        let found =
            literals(
                behind: "var currentStanding", in: "Sources/Core/Cluster/NodeKeys+Standing.swift")
            + literals(behind: "package var trouble", in: bus)
            + literals(
                behind: "    var trouble",
                in: "Sources/Products/usher/Serving/ClusterNodeProcess.swift")
            + Self.literals(behind: "StableCode(\"", in: Self.lines(bus))
            + Self.literals(
                behind: "NodeStanding.joining(StableCode(\"",
                in: Self.lines("Sources/Core/Cluster/NodeKeys.swift"))
        expectSame(documented, found)
    }

    @Test("docs/architecture.md §5 lists the routes")
    func routes() {
        func upToParameter(_ path: Substring) -> Substring { path.prefix { $0 != "{" } }
        let documented = Self.rows("## 5. The HTTP surface", of: "docs/architecture.md")
            .flatMap { Self.parts(of: $0[0]) }.flatMap { $0.split { " ,`".contains($0) } }
            .filter { $0.hasPrefix("/") }.map(upToParameter)
        let served = Self.lines("docs/openapi.json").filter { $0.hasPrefix("    \"/") }
            .map { upToParameter($0.dropFirst(5).prefix { $0 != "\"" }) }
        let named = Self.sources.flatMap {
            Self.literals(behind: "ByteText = \"/", in: $0.lines).map(upToParameter)
        }
        let table = Self.lines("Sources/Services/OperatorService/Route.swift")
        let answered = ["open(\"/", "ofPeers(\"/"].flatMap { Self.literals(behind: $0, in: table) }
            .map(upToParameter)
        expectSame(documented, served + (named + answered).map { Substring("/" + $0) })
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " || text.last == "|" { text.removeLast() }
        return text
    }
}
