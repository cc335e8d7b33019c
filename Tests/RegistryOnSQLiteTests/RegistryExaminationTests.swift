import Clients
import Foundation
import RegistrySupport
import Testing

@testable import RegistryOnSQLite

@Suite struct RegistryExaminationTests {
    private let folder: RegistryFolder
    init() throws { folder = try RegistryFolder() }

    @Test("A sound registry is at the newest schema and has no fault")
    func sound() throws {
        try folder.make(with: [.sample("chess")])
        let examination = try RegistryExamination(path: folder.path)
        #expect(examination.isUpToDate)
        #expect(examination.schema == RegistrySchema.version)
        #expect(examination.faults == [])
    }

    @Test("An examination leaves the file as it is")
    func leavesTheFile() throws {
        try folder.make(with: [.sample("chess")])
        let before = try Data(contentsOf: URL(fileURLWithPath: folder.path))
        _ = try RegistryExamination(path: folder.path)
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path)) == before)
    }

    @Test("Overwritten pages are faults, or make the file unreadable")
    func damaged() throws {
        try folder.make(with: [.sample("chess")])
        try folder.patch(at: 2 * 4096, with: [UInt8](repeating: 0x5A, count: 3 * 4096))
        do throws(RegistryFailure) {
            let faults = try RegistryExamination(path: folder.path).faults
            #expect(!faults.isEmpty)
        } catch {
            #expect(error.code == "registry_damaged")
        }
    }

    @Test("A missing file is named, and not made")
    func missing() {
        #expect(throws: SQLiteFault.notFound(path: folder.path).failure) {
            try RegistryExamination(path: folder.path)
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path))
    }
}
