import Files
import Foundation
import Glibc
import Testing

@testable import SessionShelf

@Suite("The shelf's lock") struct ShelfLockTests {
    private let shelves: Shelves

    init() throws { shelves = try Shelves() }

    private func shelf(node: String? = nil) throws(ShelfError) -> ShelfFile {
        try ShelfFile(folder: shelves.data, node: node)
    }

    @Test("Only who has the lock reads and writes, until it is let go or its holder is gone")
    func holders() throws {
        var first: ShelfFile? = try shelf()
        try first?.put([1])
        let second = try shelf()
        #expect((first?.isOurs, second.isOurs) == (true, false))
        let refusal = ShelfRefusal.locked(path: shelves.file)
        #expect(second.take(bytesMax: 100) == .ignored(refusal))
        #expect(refusal.code == "locked")
        #expect(
            shelfError { () throws(ShelfError) in try second.put([2]) }
                == .locked(path: shelves.file))
        second.release()
        #expect(try !shelf().isOurs, "who has none lets nothing go")
        #expect(shelves.content(shelves.file) == [1])
        first = nil
        #expect(!second.isOurs)
        let third = try shelf()
        #expect(third.isOurs)
        third.release()
        #expect(third.take(bytesMax: 100) == .ignored(refusal))
        #expect(try shelf().take(bytesMax: 100) == .bytes([1]))
    }

    @Test("A process that dies lets it go")
    func otherProcess() throws {
        try shelf().put([1])
        let holder = Process()
        holder.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        holder.arguments = ["flock", "-F", shelves.lock, "sh", "-c", "echo locked; exec sleep 60"]
        let output = Pipe()
        holder.standardOutput = output
        try holder.run()
        #expect(output.fileHandleForReading.availableData == Data("locked\n".utf8))
        let shelf = try shelf()
        #expect(!shelf.isOurs)
        #expect(shelf.take(bytesMax: 100) == .ignored(.locked(path: shelves.file)))
        kill(holder.processIdentifier, SIGKILL)
        holder.waitUntilExit()
        #expect(try self.shelf().take(bytesMax: 100) == .bytes([1]))
    }

    @Test("Programs that are started don't inherit it, and it is for its owner alone")
    func descriptor() throws {
        let shelf = try shelf()
        let links = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        let held = links.compactMap(Int32.init).filter { descriptor in
            let path = "/proc/self/fd/\(descriptor)"
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
            return target == shelves.lock
        }
        #expect(held.count == 1)
        for descriptor in held { #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0) }
        #expect(shelves.mode(shelves.lock) == 0o600)
        #expect(shelf.isOurs)
    }

    @Test(
        "A lock that is a link, or in a folder that is not there, is an error that says what to do")
    func unusable() throws {
        #expect(unsafe symlink("other", shelves.lock) == 0)
        let link = try #require(shelfError { () throws(ShelfError) in try shelf() })
        #expect(link == .lockUnusable(path: shelves.lock, FileFailure(errorNumber: ELOOP)))
        #expect(link.code == "shelf_lock_unusable")
        #expect(link.description.contains("remove it"))
        #expect(try shelves.names() == ["relay.lock"])
        let missing = try #require(
            shelfError { () throws(ShelfError) in try ShelfFile(folder: shelves.data + "/none") })
        #expect(
            missing
                == .folderUnusable(
                    path: shelves.data + "/none", FileFailure(errorNumber: ENOENT)))
        #expect(missing.code == "shelf_folder_unusable")
    }

    @Test("Each node has a lock and a file of its own, whatever its name")
    func nodes() throws {
        let names = ["a", "A", "a.b", "a_b", "../a", "a/b", "..", ".", "a%2eb", "ä", "a\0", "lock"]
        let shelves = try names.map { try shelf(node: $0) } + [try shelf()]
        for (index, shelf) in shelves.enumerated() {
            #expect(shelf.isOurs)
            try shelf.put([UInt8(index)])
        }
        #expect(try !shelf(node: "a").isOurs)
        for (index, shelf) in shelves.enumerated() {
            #expect(shelf.take(bytesMax: 1) == .bytes([UInt8(index)]))
        }
        let locks = try self.shelves.names()
        #expect(locks.count == shelves.count)
        #expect(locks.contains("relay-%2e%2e%2fa.lock"))
        #expect(locks.contains("relay-A.lock") && locks.contains("relay.lock"))
    }

    @Test("A node's name has 1 to 64 bytes", arguments: [0, 1, 64, 65])
    func nodeNames(_ count: Int) throws {
        let name = String(repeating: "/", count: count)
        if (1...64).contains(count) {
            try shelf(node: name).put([1])
        } else {
            let error = shelfError { () throws(ShelfError) in
                try ShelfFile(folder: shelves.data, node: name)
            }
            #expect(error == .badNode(name))
            #expect(error?.code == "shelf_bad_node")
        }
    }
}
