import Files
import Foundation
import Glibc
import Testing

@testable import SessionShelf

@Suite("The shelf's file") struct ShelfFileTests {
    private let shelves: Shelves

    init() throws { shelves = try Shelves() }

    private func shelf(allowsGroup: Bool = false) throws -> ShelfFile {
        try ShelfFile(folder: shelves.data, allowsGroup: allowsGroup)
    }

    @Test("What was put is taken once, by the same process or the next")
    func once() throws {
        let first = try shelf()
        #expect(first.take(bytesMax: 100) == .nothing)
        try first.put([1, 2, 3])
        #expect(shelves.mode(shelves.file) == 0o600)
        first.release()
        let second = try shelf()
        #expect(second.take(bytesMax: 3) == .bytes([1, 2, 3]))
        #expect(try shelves.names() == ["relay.lock"])
        #expect(second.take(bytesMax: 3) == .nothing)
        try second.put([])
        try second.put([4])
        #expect(second.take(bytesMax: 3) == .bytes([4]))
        try second.put([])
        #expect(second.take(bytesMax: 0) == .bytes([]))
    }

    @Test("Megabytes come back as they were")
    func large() throws {
        let bytes = (0..<9_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 251) }
        let shelf = try shelf()
        try shelf.put(bytes)
        #expect(shelf.take(bytesMax: bytes.count) == .bytes(bytes))
    }

    @Test("What is longer than it may be is dropped")
    func tooLarge() throws {
        let shelf = try shelf()
        try shelf.put([1, 2, 3])
        let refusal = ShelfRefusal.tooLarge(path: shelves.file, bytesMax: 2)
        #expect(shelf.take(bytesMax: 2) == .ignored(refusal))
        #expect(refusal.code == "too_large")
        #expect(shelf.take(bytesMax: 100) == .nothing)
    }

    @Test(
        "A link is dropped, wherever it leads, and what it names stays", arguments: [true, false])
    func link(_ leadsToFile: Bool) throws {
        if leadsToFile { shelves.place([1], shelves.data + "/other") }
        #expect(unsafe symlink("other", shelves.file) == 0)
        #expect(
            try shelf().take(bytesMax: 100) == .ignored(.notAFile(path: shelves.file)))
        #expect(try shelves.names() == (leadsToFile ? ["other", "relay.lock"] : ["relay.lock"]))
    }

    @Test("A pipe is dropped, without waiting for who writes to it")
    func pipe() throws {
        #expect(unsafe mkfifo(shelves.file, 0o600) == 0)
        let found = try shelf().take(bytesMax: 100)
        #expect(found == .ignored(.notAFile(path: shelves.file)))
        #expect(ShelfRefusal.notAFile(path: "").code == "unreadable")
        #expect(try shelves.names() == ["relay.lock"])
    }

    @Test("A folder of that name is told of, and keeps a shelf from being written")
    func folder() throws {
        #expect(unsafe mkdir(shelves.file, 0o700) == 0)
        let shelf = try shelf()
        let failure = FileFailure(errorNumber: EISDIR)
        #expect(
            shelf.take(bytesMax: 100) == .ignored(.notRemoved(path: shelves.file, failure)))
        #expect(
            shelfError { () throws(ShelfError) in try shelf.put([1]) }
                == .unwritable(path: shelves.file, failure))
        #expect(try shelves.names() == ["relay.lock", "sessions.shelf"])
    }

    @Test(
        "What others may write to is dropped, unless it is their group's with leave",
        arguments: [0o620, 0o602, 0o666, 0o640, 0o660, 0o644])
    func modes(_ mode: Int) throws {
        for allowsGroup in [false, true] {
            shelves.place([1], shelves.file, mode: mode)
            let isGood = mode & (allowsGroup ? 0o002 : 0o022) == 0
            let refusal = ShelfRefusal.tooOpen(path: shelves.file, mode: UInt32(mode))
            #expect(
                try shelf(allowsGroup: allowsGroup).take(bytesMax: 100)
                    == (isGood ? .bytes([1]) : .ignored(refusal)))
            #expect(refusal.code == "unreadable")
            #expect(refusal.description.contains("mode \(String(mode, radix: 8))"))
            #expect(try shelves.names() == ["relay.lock"])
        }
    }

    @Test(
        "What is neither this user's nor the folder's owner's is dropped",
        .enabled(if: geteuid() == 0))
    func owners() throws {
        shelves.place([1], shelves.file)
        #expect(unsafe chown(shelves.file, 1234, 0) == 0)
        #expect(
            try shelf().take(bytesMax: 100)
                == .ignored(.foreign(path: shelves.file, owner: 1234)))
        #expect(try shelves.names() == ["relay.lock"])
        // What root makes in a folder of somebody else's is that one's.
        #expect(unsafe chown(shelves.data, 1234, 1234) == 0)
        try shelf().put([2])
        var status = stat()
        for path in [shelves.file, shelves.lock] {
            #expect(unsafe stat(path, &status) == 0)
            #expect(status.st_uid == 1234)
        }
        #expect(try shelf().take(bytesMax: 100) == .bytes([2]))
    }

    @Test("What cannot be taken away is not used", .enabled(if: geteuid() == 0))
    func immutable() throws {
        shelves.place([1], shelves.file)
        guard run("chattr", "+i", shelves.file) == 0 else { return }
        defer { run("chattr", "-i", shelves.file) }
        let refusal = ShelfRefusal.notRemoved(path: shelves.file, FileFailure(errorNumber: EPERM))
        let shelf = try shelf()
        #expect(shelf.take(bytesMax: 100) == .ignored(refusal))
        #expect(refusal.code == "unreadable")
        #expect(refusal.description.contains("remove it"))
        // Nor is anything put in its place.
        #expect(
            shelfError { () throws(ShelfError) in try shelf.put([2]) }
                == .unwritable(path: shelves.file, FileFailure(errorNumber: EPERM)))
        #expect(shelves.content(shelves.file) == [1])
        #expect(try shelves.names() == ["relay.lock", "sessions.shelf"])
    }

    @Test("What may come back after a crash is not used")
    func folderFails() throws {
        shelves.place([1], shelves.file)
        let failure = FileFailure(errorNumber: EIO)
        #expect(
            try shelves.failing(S_IFDIR).take(bytesMax: 100)
                == .ignored(.notRemoved(path: shelves.file, failure)))
    }

    @Test("Where writing fails nothing lies there, not even what did before")
    func writingFails() throws {
        for kind in [S_IFREG, S_IFDIR] {
            shelves.place([1], shelves.file)
            let shelf = try shelves.failing(kind)
            let error = shelfError { () throws(ShelfError) in try shelf.put([2]) }
            #expect(
                error == .unwritable(path: shelves.file, FileFailure(errorNumber: EIO)))
            #expect(error?.code == "shelf_unwritable")
            #expect(try shelves.names() == ["relay.lock"])
        }
    }

    @Test("What a writer that was killed has left is swept, and never read")
    func leftovers() throws {
        shelves.place([1], shelves.draft)
        let first = try shelf()
        #expect(first.take(bytesMax: 100) == .nothing)
        #expect(try shelves.names() == ["relay.lock"])
        first.release()
        // Killed before the new one had its name: the old one was taken long before.
        shelves.place([1], shelves.draft)
        let second = try shelf()
        try second.put([2])
        #expect(try shelves.names() == ["relay.lock", "sessions.shelf"])
        #expect(second.take(bytesMax: 100) == .bytes([2]))
    }

    @Test("A full disk leaves nothing, and is told with what to do", .enabled(if: geteuid() == 0))
    func fullDisk() throws {
        guard run("mount", "-t", "tmpfs", "-o", "size=128k,mode=700", "tmpfs", shelves.data) == 0
        else { return }
        defer { run("umount", "-l", shelves.data) }
        let shelf = try shelf()
        let error = try #require(
            shelfError { () throws(ShelfError) in
                try shelf.put([UInt8](repeating: 1, count: 1_000_000))
            })
        #expect(error == .unwritable(path: shelves.file, FileFailure(errorNumber: ENOSPC)))
        #expect(error.description.contains("No space left on device; make room"))
        #expect(try shelves.names() == ["relay.lock"])
        try shelf.put([1])  // There is room again.
        #expect(shelf.take(bytesMax: 100) == .bytes([1]))
    }
}
