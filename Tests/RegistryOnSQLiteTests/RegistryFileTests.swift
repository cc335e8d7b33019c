import Foundation
import Glibc
import Identifiers
import RegistrySupport
import Testing

@testable import Clients
@testable import RegistryOnSQLite

@Suite struct RegistryFileTests {
    /// Lives as long as one test.
    private let folder: RegistryFolder

    init() throws { folder = try RegistryFolder() }

    private static let isRoot = geteuid() == 0

    private func failure(mustExist: Bool = false) -> RegistryFailure? {
        do throws(RegistryFailure) {
            _ = try RegistryOnSQLite(path: folder.path, mustExist: mustExist)
            return nil
        } catch {
            return error
        }
    }

    @Test("The file and what lies beside it are for their owner alone, and so is the folder")
    func permissions() throws {
        let registry = try folder.openFile()
        try registry.add(try Client.sample("a"))
        #expect(try folder.permissions(folder.path) == 0o600)
        #expect(try folder.permissions(folder.path + "-wal") == 0o600)
        #expect(try folder.permissions(folder.path + "-shm") == 0o600)
        #expect(try folder.permissions(folder.url.path + "/data") == 0o700)
    }

    @Test("A missing registry is an error only where it must exist")
    func missing() throws {
        let error = failure(mustExist: true)
        #expect(error == SQLiteFault.notFound(path: folder.path).failure)
        #expect(error?.description.contains("usher client add") == true)
        #expect(!FileManager.default.fileExists(atPath: folder.url.path + "/data"))
        #expect(failure() == nil)
        #expect(failure(mustExist: true) == nil)
    }

    @Test("A folder in the registry's place is named")
    func folderInPlace() throws {
        try FileManager.default.createDirectory(
            atPath: folder.path, withIntermediateDirectories: true)
        #expect(failure() == SQLiteFault.isFolder(path: folder.path).failure)
    }

    @Test("A file in the place of the folder is named")
    func fileAsFolder() throws {
        try Data().write(to: folder.url.appendingPathComponent("data"))
        let error = failure()
        #expect(["registry_folder_unusable", "registry_unreadable"].contains(error?.code))
        #expect(error?.description.contains(folder.url.path) == true)
    }

    @Test(
        "What is no database is refused and stays as it is",
        arguments: [
            "This is no database. ", "x", "SQLite format 3", "\0\0\0\0",
        ])
    func garbage(text: String) throws {
        let bytes = Data(String(repeating: text, count: 300).utf8)
        try folder.write(bytes)
        #expect(failure() == SQLiteFault.notADatabase(path: folder.path).failure)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path)) == bytes)
    }

    @Test(
        "A SQLite file of another program is refused and stays as it is",
        arguments: [
            [UInt8](arrayLiteral: 0, 0, 0, 0), [0x47, 0x50, 0x4B, 0x47], [0x55, 0x73, 0x68, 0x73],
        ])
    func foreign(applicationID: [UInt8]) throws {
        try folder.make(with: [try Client.sample("a")])
        try folder.patch(at: 68, with: applicationID)
        let before = try Data(contentsOf: URL(fileURLWithPath: folder.path))
        #expect(failure() == SQLiteFault.foreign(path: folder.path).failure)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path)) == before)
    }

    @Test("A registry of a newer version is refused, with both versions named")
    func newer() throws {
        try folder.make()
        try folder.patch(at: 60, with: [0, 0, 0, 99])
        let error = failure()
        let fault = SQLiteFault.newerSchema(
            path: folder.path, found: 99, known: RegistrySchema.version)
        #expect(error == fault.failure)
        #expect(error?.description.contains("99") == true)
        #expect(error?.description.contains("newer") == true)
    }

    @Test("An empty file becomes a registry")
    func empty() throws {
        try folder.write(Data())
        #expect(failure(mustExist: true) == nil)
        try folder.openFile().add(try Client.sample("a"))
    }

    @Test(
        "A truncated registry is named, not taken for another program's",
        arguments: [
            50, 100, 1500, 4096, 9000,
        ])
    func truncated(count: Int) throws {
        try folder.make(with: [try Client.sample("a")])
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path))
        try folder.write(data.prefix(count))
        let error: RegistryFailure?
        do {
            _ = try folder.openFile().list()
            error = nil
        } catch {
            #expect(error is RegistryFailure)
            #expect("\(error)".contains(folder.path))
            return
        }
        Issue.record("a registry of \(count) bytes was taken; \(String(describing: error))")
    }

    @Test("A full disk is named, changes nothing, and the registry goes on after it")
    func full() throws {
        try folder.make(with: [try Client.sample("first")])
        let registry = try RegistryOnSQLite(path: folder.path, mustExist: true, pageCountMax: 1)
        let rooms = (0..<30).map { "\($0)-" + String(repeating: "r", count: 30) }
        var failures = 0
        for index in 0..<200 where failures == 0 {
            do {
                try registry.add(try Client.sample("c\(index)", rooms: rooms))
            } catch {
                failures += 1
                #expect(
                    error as? RegistryFailure == SQLiteFault.diskFull(path: folder.path).failure)
                #expect("\(error)".contains("space"))
            }
        }
        #expect(failures == 1)
        let after = try folder.openFile(mustExist: true)
        #expect(try after.list().allSatisfy { $0.secrets.count == 1 && !$0.rooms.isEmpty })
        try after.add(try Client.sample("last", rooms: rooms))
    }

    @Test("A file that may not be read or written is named", .disabled(if: isRoot, "root may all"))
    func closed() throws {
        try folder.make()
        unsafe _ = chmod(folder.path, 0o000)
        #expect(failure()?.code == "registry_unreadable")
        #expect(failure()?.description.contains("ermission") == true)
        unsafe _ = chmod(folder.path, 0o400)
        #expect(failure() == SQLiteFault.readOnly(path: folder.path).failure)
    }

    @Test("A kill at any moment of the first start leaves a file that the next start completes")
    func killedWhileMaking() throws {
        let registry = try folder.openFile()
        let file = try Data(contentsOf: URL(fileURLWithPath: folder.path))
        let journal = try Data(contentsOf: URL(fileURLWithPath: folder.path + "-wal"))
        withExtendedLifetime(registry) {}
        let lengths = Array(stride(from: 0, to: journal.count, by: 1009)) + [journal.count]
        #expect(lengths.count > 10)
        for length in lengths {
            let killed = try RegistryFolder()
            try killed.write(file)
            try journal.prefix(length).write(to: URL(fileURLWithPath: killed.path + "-wal"))
            try killed.openFile().add(try Client.sample("a"))
            #expect(try killed.openFile(mustExist: true).list().count == 1)
            withExtendedLifetime(killed) {}
        }
    }

    @Test("What was acknowledged is there after a kill")
    func killedAfterwards() throws {
        let registry = try folder.openFile()
        try registry.add(try Client.sample("a"))
        try registry.disable(id: "c_a")
        let killed = try RegistryFolder()
        try killed.write(try Data(contentsOf: URL(fileURLWithPath: folder.path)))
        try Data(contentsOf: URL(fileURLWithPath: folder.path + "-wal"))
            .write(to: URL(fileURLWithPath: killed.path + "-wal"))
        #expect(try killed.openFile(mustExist: true).client(id: "c_a")?.isEnabled == false)
        withExtendedLifetime((registry, killed)) {}
    }

    @Test("Every error has a code of its own and says something")
    func codes() {
        let faults: [SQLiteFault] = [
            .notFound(path: "p"), .folderUnusable(path: "p", reason: "r"), .isFolder(path: "p"),
            .notADatabase(path: "p"), .foreign(path: "p"),
            .newerSchema(path: "p", found: 2, known: 1), .unreadable(path: "p", reason: "r"),
            .readOnly(path: "p"), .diskFull(path: "p"), .busy(path: "p"),
            .damaged(path: "p", reason: "r"), .failed(path: "p", reason: "r"),
        ]
        let errors: [RegistryFailure] =
            faults.map(\.failure) + [
                .clientUnknown(id: "p"), .clientExists(id: "p"), .refused(reason: "p"),
                .revocationsFull(.tokens, max: 1), .registrationsFull(max: 1), .originTaken("p"),
            ]
        #expect(Set(errors.map(\.code)).count == errors.count)
        #expect(errors.allSatisfy { !$0.description.isEmpty })
        #expect(faults.allSatisfy { $0.description.contains("p") })
    }
}
