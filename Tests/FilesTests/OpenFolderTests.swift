import Files
import Foundation
import Glibc
import Testing

@Suite struct OpenFolderTests {
    /// A folder that is gone when the test ends.
    private final class Scratch {
        let path = NSTemporaryDirectory() + "usher-files-" + UUID().uuidString

        init() throws {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func content(_ name: String) -> [UInt8]? {
            FileManager.default.contents(atPath: "\(path)/\(name)").map(Array.init)
        }

        func place(_ bytes: [UInt8], _ name: String) {
            #expect(
                FileManager.default.createFile(atPath: "\(path)/\(name)", contents: Data(bytes)))
        }
    }

    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// The folder on a disk that gives a folder or a file up with EIO.
    private func failing(_ kind: mode_t) throws -> OpenFolder {
        try OpenFolder(path: scratch.path) { descriptor in
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != kind else {
                errno = EIO
                return -1
            }
            return fsync(descriptor)
        }
    }

    private func failure(_ body: () throws(FileFailure) -> Void) -> Int32 {
        do throws(FileFailure) {
            try body()
            return 0
        } catch {
            return error.errorNumber
        }
    }

    @Test("A file is written whole, for its owner alone, over what bore its name or its draft's")
    func written() throws {
        let folder = try OpenFolder(path: scratch.path)
        scratch.place([9, 9, 9, 9], "draft")
        try folder.write([1, 2, 3], as: "file", draft: "draft")
        #expect(scratch.content("file") == [1, 2, 3])
        try folder.write([], as: "file", draft: "draft")
        #expect(scratch.content("file") == [])
        #expect(try folder.names() == ["file"])
        var status = stat()
        #expect(unsafe stat(folder.path(of: "file"), &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test("A draft that is a link leads nowhere: the link goes, and what it names stays")
    func linkedDraft() throws {
        let folder = try OpenFolder(path: scratch.path)
        scratch.place([7], "other")
        #expect(unsafe symlink("other", folder.path(of: "draft")) == 0)
        try folder.write([1], as: "file", draft: "draft")
        #expect(scratch.content("other") == [7])
        #expect(try folder.names() == ["file", "other"])
    }

    @Test("Where the file does not get onto the disk, what bore its name stays and no draft does")
    func unwritten() throws {
        scratch.place([1], "file")
        let folder = try failing(S_IFREG)
        #expect(
            failure { () throws(FileFailure) in
                try folder.write([2], as: "file", draft: "draft")
            } == EIO)
        #expect(scratch.content("file") == [1])
        #expect(try folder.names() == ["file"])
    }

    @Test("Where a name cannot be given, no draft stays")
    func unnamed() throws {
        let folder = try OpenFolder(path: scratch.path)
        #expect(unsafe mkdir(folder.path(of: "taken"), 0o700) == 0)
        #expect(
            failure { () throws(FileFailure) in
                try folder.write([2], as: "taken", draft: "draft")
            } == EISDIR)
        #expect(try folder.names() == ["taken"])
    }

    @Test("Where names do not get onto the disk, no change to them counts as made")
    func names() throws {
        scratch.place([1], "file")
        let folder = try failing(S_IFDIR)
        #expect(
            failure { () throws(FileFailure) in
                try folder.write([1], as: "other", draft: "draft")
            } == EIO)
        #expect(failure { () throws(FileFailure) in try folder.rename("file", to: "x") } == EIO)
        #expect(failure { () throws(FileFailure) in try folder.remove("x") } == EIO)
        #expect(failure { () throws(FileFailure) in try folder.remove("x") } == ENOENT)
        #expect(failure { () throws(FileFailure) in try folder.rename("x", to: "y") } == ENOENT)
    }

    @Test("A folder that is not there, or no folder, is not opened, and its path ends in one slash")
    func opening() throws {
        scratch.place([1], "file")
        for (path, number) in [("none", ENOENT), ("file", ENOTDIR)] {
            #expect(
                failure { () throws(FileFailure) in
                    _ = try OpenFolder(path: "\(scratch.path)/\(path)")
                } == number)
        }
        #expect(try OpenFolder(path: "/").path(of: "a") == "/a")
        #expect(try OpenFolder(path: "/tmp").path(of: "a") == "/tmp/a")
    }

    @Test("What root makes belongs to the folder's owner", .enabled(if: geteuid() == 0))
    func owner() throws {
        try #require(unsafe chown(scratch.path, 1234, 1235) == 0)
        try OpenFolder(path: scratch.path).write([1], as: "file", draft: "draft")
        var status = stat()
        #expect(unsafe stat("\(scratch.path)/file", &status) == 0)
        #expect((status.st_uid, status.st_gid) == (1234, 1235))
    }
}
