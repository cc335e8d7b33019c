import Foundation
import Testing

/// Text from outside is compared and hashed by its bytes (`ByteText`). What `String` does takes
/// time that grows with the square of an unsorted run of combining marks, and calls two spellings
/// one name. Looked for in what the compiler made of the sources, so that nothing generic escapes:
/// `==` of Optionals and Arrays, `contains`, `switch`, keys of dictionaries, and `split` at a
/// `Character`.
@Suite struct ByteComparisonTests {
    /// Folders of `Sources` that read what the operator says, and nothing else from outside.
    private static let trusted = ["Products/usher/Commands", "Products/usher/Settings"]

    /// Files that may, and why.
    private static let exceptions: [String: String] = [
        "Core/Tokens/ClaimsTemplate.swift": "whether there is a name",
        "Core/Tokens/PublicKey.swift": "ids of keys, which are ASCII",
        "Drivers/RegistryOnSQLite/RegistryFile.swift": "paths of the operator's",
        "Drivers/SigningKeys/FolderDescriptor.swift": "paths of the operator's",
        "Drivers/SigningKeys/KeyFile.swift": "names of files in the operator's folder",
        "Drivers/SigningKeys/KeyFolder.swift": "names of files in the operator's folder",
        "Drivers/SigningKeys/KeySnapshot.swift": "ids of keys, which are thumbprints of those read",
        "Drivers/SigningKeys/StoredKey.swift": "ids of keys, which are thumbprints of those read",
        "Drivers/Files/OpenFolder.swift": "names of files in the operator's folder",
        "Products/UsherKeySet/KeySetAddress.swift": "an address of the caller's",
        "Products/UsherVerifier/Verifier.swift": "algorithms of the caller's",
        "Products/usher/Backup/DraftFile.swift": "paths of the operator's",
        "Products/usher/Function/TableOptions.swift": "flags and variables of the operator's",
        "Products/usher/Serving/LogFormat.swift": "names of log fields, which are ours",
        "Products/usher/Serving/ProcessLog.swift": "names of log fields, which are ours",
        "Products/usher/Serving/ProcessMetrics.swift": "what the kernel says",
        "Products/usher/Serving/ServiceLog.swift": "names of log fields, which are ours",
        "Products/usher/Serving/Site.swift": "names of log fields, which are ours",
        "Services/OperatorService/Exposition.swift": "whether a check failed",
        "Services/OperatorService/OperatorService.swift": "whether a check failed",
        "Services/OperatorService/OperatorState.swift": "codes of ours, in their order",
        "Services/OperatorService/ReportCounts.swift": "events, codes and ends, which are ours",
    ]

    /// What `String`, `Substring` and `Character` compare by, as the compiler calls it.
    private static let names: [(prefix: String, what: String)] = [
        ("$sSS2eeoi", "String =="), ("$sSS1loi", "String <"), ("$sSJ2eeoi", "Character =="),
        ("$sSS4hash4into", "hashing of a String"), ("$sSS9hasPrefix", "String.hasPrefix"),
        ("$sSS9hasSuffix", "String.hasSuffix"), ("$sSysE2eeoi", "Substring =="),
        ("$sSysE9hasPrefix", "Substring.hasPrefix"), ("$sSysE9hasSuffix", "Substring.hasSuffix"),
        ("$sSy17_StringProcessingE", "a search in a String"),
        ("$sSSSQs", "String as Equatable"), ("$sSSSHs", "String as Hashable"),
        ("$sSSSLs", "String as Comparable"), ("$sSsSQs", "Substring as Equatable"),
        ("$sSsSHs", "Substring as Hashable"), ("$sSJSQs", "Character as Equatable"),
        ("$sSJSHs", "Character as Hashable"),
    ]

    private static func fault(_ reference: ObjectFile.Reference) -> String? {
        // What the compiler wrote itself: `==` of whole values, which tests ask for, and the
        // conformances of enums with a raw value.
        guard !reference.function.contains("__derived_"), !reference.function.hasSuffix("TW")
        else { return nil }
        let symbol = reference.symbol
        if symbol.contains("8rawValue"), symbol.hasSuffix("SgSS_tcfC") || symbol.hasSuffix("cfCTj")
        {
            return "init(rawValue:)"
        }
        return names.first { symbol.hasPrefix($0.prefix) }?.what
    }

    /// Beside the program that runs these tests.
    private static let builds = URL(fileURLWithPath: "/proc/self/exe")
        .resolvingSymlinksInPath().deletingLastPathComponent()

    private struct Finding: Comparable {
        let file: String
        let fault: String
        let function: String

        static func < (one: Finding, other: Finding) -> Bool {
            (one.file, one.fault) < (other.file, other.fault)
        }
    }

    private static func object(of file: Checkout.File) -> ObjectFile? {
        let parts = file.path.split(separator: "/")
        return ObjectFile(
            path: "\(builds.path)/\(parts[2].replacing("-", with: "_")).build/"
                + "\(parts[parts.count - 1]).o")
    }

    private static func name(of file: Checkout.File) -> String {
        String(file.path.dropFirst("Sources/".count))
    }

    private static func findings(in file: Checkout.File) -> [Finding] {
        (object(of: file)?.references ?? []).compactMap { reference in
            fault(reference).map {
                Finding(file: file.path, fault: $0, function: reference.function)
            }
        }
    }

    private static let files = Checkout.swift.filter { file in
        file.path.hasPrefix("Sources/")
            && !trusted.contains { file.path.hasPrefix("Sources/\($0)/") }
    }

    @Test("The objects of the sources are where these tests look for them")
    func findsTheObjects() {
        let found = Self.files.filter { (Self.object(of: $0)?.references.count ?? 0) > 0 }
        #expect(found.count > Self.files.count / 2)
        #expect(Self.files.count > 300)
        for folder in Self.trusted {
            let isThere = Checkout.swift.contains { $0.path.hasPrefix("Sources/\(folder)/") }
            #expect(isThere, "\(folder)")
        }
    }

    @Test("What comes from outside is never compared or hashed as a String")
    func noStringComparison() {
        let findings = Self.files.filter { Self.exceptions[Self.name(of: $0)] == nil }
            .flatMap(Self.findings).sorted()
        let texts = findings.map { "\($0.file): \($0.fault) in \($0.function)" }
        #expect(texts.isEmpty, "use ByteText: \(texts.joined(separator: "\n"))")
    }

    @Test("Every exception is needed")
    func exceptionsAreNeeded() {
        for path in Self.exceptions.keys {
            let file = Self.files.first { Self.name(of: $0) == path }
            #expect(file.map(Self.findings)?.isEmpty == false, "\(path) needs no exception")
        }
    }

    /// What the rule must find, in every form in which it has stood here.
    @Test("The rule sees String == in Optionals, Arrays, sets, switches and raw values")
    func seesThem() throws {
        let parts = #filePath.split(separator: "/").suffix(2).map(String.init)
        let this = try #require(
            ObjectFile(path: "\(Self.builds.path)/\(parts[0]).build/\(parts[1]).o"))
        let functions = ["optional", "list", "set", "chosen", "raw", "pieces", "start"]
        for name in functions {
            let isSeen = this.references.contains {
                $0.function.contains("Samples") && $0.function.contains("\(name.utf8.count)\(name)")
                    && Self.fault($0) != nil
            }
            #expect(isSeen, "\(name) is not seen")
        }
    }
}

/// One of each kind that the rule is for.
enum Samples {
    enum Word: String { case one, two }

    static func optional(_ text: String?) -> Bool { text == "one" }
    static func list(_ texts: [String], _ text: String) -> Bool { texts.contains(text) }
    static func set(_ text: String) -> Set<String> { [text] }
    static func raw(_ text: String) -> Word? { Word(rawValue: text) }
    static func pieces(_ text: String) -> [Substring] { text.split(separator: ",") }
    static func start(_ text: Substring) -> Bool { text.hasPrefix("one") }

    static func chosen(_ text: String) -> Int {
        switch text {
        case "one": 1
        default: 2
        }
    }
}
