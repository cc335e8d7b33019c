import Clients
import Foundation
import Identifiers
import RegistryFollowing
import RegistryOnSQLite
import RegistrySupport
import Testing

/// A connection reads on in a file that nobody finds under its name any more.
@Suite(.enabled(if: RegistryFolder.isFile, "it moves the file"))
struct DirectoryReadinessTests {
    /// Lives as long as one test.
    private let folder: RegistryFolder
    private var away: String { folder.path + ".away" }

    init() throws { folder = try RegistryFolder() }

    @Test("A registry that is moved away while it is followed is missed, and found again")
    func movedAway() async throws {
        let registry = try folder.openFile()
        try registry.add(try Client.sample("a"))
        let directory = ClientDirectory(registry: registry) {}
        directory.start()
        defer { directory.stop() }
        #expect(try directory.client("c_a") != nil)
        #expect(directory.trouble() == nil)
        try FileManager.default.moveItem(atPath: folder.path, toPath: away)
        #expect(
            try await eventually {
                directory.trouble() == SQLiteFault.notFound(path: folder.path).failure
            })
        #expect(try directory.client("c_a")?.name == "a")
        try FileManager.default.moveItem(atPath: away, toPath: folder.path)
        #expect(try await eventually { directory.trouble() == nil })
    }

    @Test("Another file in the registry's place is not followed")
    func replaced() async throws {
        let registry = try folder.openFile()
        try registry.add(try Client.sample("a"))
        let directory = ClientDirectory(registry: registry) {}
        directory.start()
        defer { directory.stop() }
        #expect(try directory.client("c_a") != nil)
        try FileManager.default.moveItem(atPath: folder.path, toPath: away)
        try FileManager.default.copyItem(atPath: away, toPath: folder.path)
        #expect(try await eventually { directory.trouble()?.code == "registry_failed" })
        #expect(try directory.client("c_a")?.name == "a")
    }
}
