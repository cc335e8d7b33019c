import Testing

/// What code and tests cite is there: a standard, or a section of docs/.
@Suite struct CitationTests {
    private static let code = Checkout.files.filter { file in
        ["Sources/", "Tests/", "Benchmarks/", "Fuzz/", "client/src/", "client/test/", "scripts/"]
            .contains(where: file.path.hasPrefix)
    }

    /// Standards that are cited by section, by what stands before it; numbers are those of RFCs.
    private static let standards: Set<Substring> = ["HTML", "6265bis", "WebRTC"]

    private static func document(_ path: String) -> Checkout.File? {
        Checkout.files.first { $0.path == path }
    }

    /// The sections of a document that have numbers, which are cited as `§4`.
    private static func numbers(of path: String) -> Set<Substring> {
        Set(
            (document(path)?.lines ?? []).filter { $0.hasPrefix("## ") }
                .map { $0.dropFirst(3).prefix { $0.isNumber } })
    }

    /// Headings and first cells of tables, by which the others are cited.
    private static func names(in path: String) -> Set<Substring> {
        Set(
            (document(path)?.lines ?? []).compactMap { line in
                if line.hasPrefix("#") { return line.drop { $0 == "#" || $0 == " " } }
                guard line.hasPrefix("| ") else { return nil }
                return line.dropFirst(2).split(separator: " |").first
            })
    }

    /// What stands behind each occurrence of `mark`, and before it.
    private static func pieces(
        of line: Substring, at mark: String
    ) -> [(before: Substring, rest: Substring)] {
        line.ranges(of: mark).map { (line[..<$0.lowerBound], line[$0.upperBound...]) }
    }

    /// The documents that a line cites, with what follows each.
    private static func citations(in line: Substring) -> [(path: String, rest: Substring)] {
        pieces(of: line, at: "docs/").compactMap { _, rest in
            let name = rest.prefix { $0.isLetter || $0.isNumber || "-./_".contains($0) }
            guard let end = name.firstRange(of: ".md") else { return nil }
            return ("docs/" + rest[..<end.upperBound], rest[end.upperBound...])
        }
    }

    /// `" §2, §3 and §4)"` as 2, 3 and 4.
    private static func sections(_ rest: Substring) -> [Substring] {
        var (found, rest) = ([Substring](), rest)
        while let mark = [" §", ", §", " and §"].first(where: rest.hasPrefix) {
            rest = rest.dropFirst(mark.count)
            found.append(rest.prefix { $0.isNumber })
            rest = rest.drop { $0.isNumber }
        }
        return found
    }

    private static func findings(_ fault: (Substring) -> Bool) -> [String] {
        code.flatMap { file in
            file.lines.enumerated().filter { fault($0.element) }.map {
                "\(file.path):\($0.offset + 1)"
            }
        }
    }

    @Test("What is cited by section is a standard or one of docs/, by its path")
    func sources() {
        let findings = Self.findings { line in
            Self.pieces(of: line, at: "§").contains { before, _ in
                let word = before.split(separator: " ").last ?? ""
                let isName = word.count > 2 && word.allSatisfy { $0.isUppercase }
                return isName && !Self.standards.contains(word)
            }
        }
        #expect(findings.isEmpty, "cite docs/….md §n, or RFC … §n: \(findings)")
        // As documents were called that are not among those of the project.
        let names = ["SECUR" + "ITY", "PROTO" + "COL", "ARCHITEC" + "TURE"]
        let old = Self.findings { line in
            names.contains { name in
                Self.pieces(of: line, at: name).contains { before, rest in
                    !(before.last.map { $0.isLetter || $0 == "_" } ?? false)
                        && (rest.first == " " || rest.first == "'" || rest.first == ")")
                }
            }
        }
        #expect(old.isEmpty, "cite docs/….md: \(old)")
    }

    @Test("The sections of docs/ that are cited are there")
    func documents() {
        var (missing, count) = ([String](), 0)
        for file in Self.code {
            for (index, line) in file.lines.enumerated() {
                for (path, rest) in Self.citations(in: line) {
                    let place = "\(file.path):\(index + 1)"
                    guard Self.document(path) != nil else {
                        missing.append("\(place): \(path)")
                        continue
                    }
                    for section in Self.sections(rest) {
                        count += 1
                        if !Self.numbers(of: path).contains(section) {
                            missing.append("\(place): \(path) §\(section)")
                        }
                    }
                    guard ["docs/conformance.md", "docs/threat-model.md"].contains(path),
                        rest.hasPrefix(", ")
                    else { continue }
                    count += 1
                    let name = rest.dropFirst(2).prefix { !"),:\"".contains($0) }
                    if !Self.names(in: path).contains(name) {
                        missing.append("\(place): \(path), \(name)")
                    }
                }
            }
        }
        #expect(count > 50)
        #expect(missing.isEmpty, "there is no such section: \(missing)")
    }

    @Test("A test's name that cites a section says of what")
    func names() {
        let bare = ConformanceTests.swiftNames.filter { name in
            name.contains("§")
                && !["RFC ", "docs/", "WebRTC ", "SEC "].contains(where: name.contains)
        }
        #expect(bare.isEmpty, "cite docs/….md §n, or RFC … §n: \(bare.sorted())")
    }

    /// What links call the headings of a document.
    private static func anchors(of path: String) -> Set<String> {
        Set(
            (document(path)?.lines ?? []).filter { $0.hasPrefix("#") }.map { line in
                let kept = line.drop { $0 == "#" }.dropFirst().lowercased().filter {
                    $0.isLetter || $0.isNumber || "-_ ".contains($0)
                }
                return String(kept.map { $0 == " " ? "-" : $0 })
            })
    }

    /// A path as a link in that document has it, from the root of the checkout.
    private static func place(of link: Substring, in document: String) -> String {
        guard !link.isEmpty else { return document }
        var parts = Array(document.split(separator: "/").dropLast())
        for part in link.split(separator: "/") {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    @Test("Links of the documents lead to files of the project, and to headings that are there")
    func links() {
        var (missing, count, anchors) = ([String](), 0, 0)
        for file in Checkout.files where file.path.hasSuffix(".md") {
            for (index, line) in file.lines.enumerated() {
                for (_, rest) in Self.pieces(of: line, at: "](") {
                    let target = rest.prefix { $0 != ")" && $0 != " " }
                    guard !target.isEmpty, !target.contains(":") else { continue }
                    let link = target.prefix { $0 != "#" }
                    let heading = String(target.dropFirst(link.count + 1))
                    let path = Self.place(of: link, in: file.path)
                    let isThere =
                        heading.isEmpty
                        ? Checkout.has(path) : Self.anchors(of: path).contains(heading)
                    if !isThere { missing.append("\(file.path):\(index + 1): \(target)") }
                    count += 1
                    anchors += heading.isEmpty ? 0 : 1
                }
            }
        }
        #expect(count > 100 && anchors > 20)
        #expect(missing.isEmpty, "there is no such file or heading: \(missing)")
    }
}
