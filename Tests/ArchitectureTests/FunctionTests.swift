import Foundation
import Testing

/// What starts for every call links nothing that takes long to start, or that no static executable
/// can hold.
@Suite struct FunctionTests {
    private static let forbidden = [
        "ArgumentParser", "CGnuTLS", "CLibJWT", "CMicrohttpd", "Dispatch",
        "Foundation", "FoundationEssentials", "FoundationNetworking", "GRDB", "HTTPServing",
        "Logging", "LogWriting", "RegistryOnSQLite", "TokenIssuing", "UsherKeySet",
    ]

    private static let accessLevels: [Substring] = ["package", "internal", "public", "private"]

    /// Modules that a file imports, whatever stands before the word.
    private static func imports(_ file: Checkout.File) -> [String] {
        file.lines.compactMap { line in
            let words = line.split(separator: " ")
            let before = words.prefix { $0 != "import" }
            guard before.count + 1 < words.count, before.count < 3,
                before.allSatisfy({ $0.hasPrefix("@") || accessLevels.contains($0) })
            else { return nil }
            return String(words[before.count + 1])
        }
    }

    /// By module: what its files import.
    private static let graph: [String: Set<String>] = {
        var graph: [String: Set<String>] = [:]
        for file in Checkout.swift where file.path.hasPrefix("Sources/") {
            let parts = file.path.split(separator: "/")
            graph[String(parts[2]), default: []].formUnion(imports(file))
        }
        return graph
    }()

    /// All that a module imports, and those imports in turn.
    private static func reached(from module: String) -> Set<String> {
        var (reached, next) = (Set<String>(), [module])
        while let one = next.popLast() {
            for used in graph[one] ?? [] where reached.insert(used).inserted { next.append(used) }
        }
        return reached
    }

    @Test("The function imports no Foundation, GRDB, libjwt, ArgumentParser or libmicrohttpd")
    func imports() {
        let reached = Self.reached(from: "usher-lambda")
        #expect(reached.contains("ServerlessRelay") && reached.contains("HTTPClient"))
        #expect(reached.contains("COpenSSL"), "the walk goes all the way down")
        #expect(Self.forbidden.filter(reached.contains) == [])
        // The rule sees what it is for.
        #expect(Self.reached(from: "usher").isSuperset(of: ["Foundation", "GRDB", "CMicrohttpd"]))
    }

    /// Beside the program that runs these tests.
    private static func libraries(of product: String) throws -> [String] {
        let path =
            URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().path + "/" + product
        return try #require(
            SharedLibraries.named(in: path), "\(path) is missing: build it with --build-tests")
    }

    @Test("The function's executable asks for OpenSSL, the C library and Swift's own alone")
    func dynamicSection() throws {
        let needed = try Self.libraries(of: "usher-lambda")
        #expect(needed.contains { $0.hasPrefix("libssl.so") })
        let strange = needed.filter { name in
            ![
                "libssl.so", "libcrypto.so", "libc.so", "libm.so", "libgcc_s.so", "libstdc++.so",
                "libswift", "ld-linux",
            ].contains(where: name.hasPrefix)
                || name.hasPrefix("libswiftDispatch")
        }
        #expect(strange == [])
        let ofTheServer = try Self.libraries(of: "usher")
        #expect(ofTheServer.contains { $0.hasPrefix("libFoundation") })
        #expect(ofTheServer.contains { $0.hasPrefix("libmicrohttpd") })
    }
}

/// The dynamic section of an executable (ELF, 64 bits, little-endian).
private enum SharedLibraries {
    /// The libraries that it asks its loader for; nil for what is no such file.
    static func named(in path: String) -> [String]? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        let bytes = [UInt8](data)
        guard bytes.count > 64, bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
            return nil
        }
        func number(_ at: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
        }
        // Elf64_Shdr: the section of type SHT_DYNAMIC (6), whose names are in the one it links to.
        let table = number(0x28, 8)
        let sections = (0..<number(0x3C, 2)).map { table + 64 * $0 }
        guard let dynamic = sections.first(where: { number($0 + 4, 4) == 6 }) else { return [] }
        let names = number(table + 64 * number(dynamic + 0x28, 4) + 0x18, 8)
        let (start, size) = (number(dynamic + 0x18, 8), number(dynamic + 0x20, 8))
        // Elf64_Dyn, 16 bytes each; DT_NEEDED is 1.
        return stride(from: start, to: start + size, by: 16).filter { number($0, 8) == 1 }.map {
            let name = bytes[(names + number($0 + 8, 8))...].prefix { $0 != 0 }
            return String(decoding: name, as: UTF8.self)
        }
    }
}
