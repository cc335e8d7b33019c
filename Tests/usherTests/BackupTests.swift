import Bytes
import Files
import Foundation
import Glibc
import SigningKeys
import Tar
import Testing

@testable import usher

@Suite struct BackupTests {
    /// Files without a name, as long as the test.
    private final class Scratch {
        private var descriptors: [Int32] = []

        deinit { for descriptor in descriptors { close(descriptor) } }

        /// One that is read from its beginning.
        func file(_ bytes: [UInt8] = []) throws -> Int32 {
            let path = NSTemporaryDirectory() + "usher-backup-" + UUID().uuidString
            let file = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            try #require(file >= 0)
            descriptors.append(file)
            unsafe unlink(path)
            try #require(FileBytes.write(bytes[...], to: file) == 0)
            lseek(file, 0, SEEK_SET)
            return file
        }

        func bytes(of file: Int32) -> [UInt8] {
            lseek(file, 0, SEEK_SET)
            let handle = FileHandle(fileDescriptor: file, closeOnDealloc: false)
            return Array(handle.readDataToEndOfFile())
        }
    }

    private let scratch = Scratch()
    private static let now: Int64 = 1_800_000_000
    private static let end = [UInt8](repeating: 0, count: 2 * TarHeader.blockBytes)

    /// A member as `BackupWriter` writes it, but for what `change` does to its head.
    private static func member(
        _ name: ByteText, _ content: [UInt8] = [], _ kind: TarHeader.Kind = .file,
        size: Int64? = nil, change: (inout [UInt8]) -> Void = { _ in }
    ) throws -> [UInt8] {
        let size = size ?? Int64(content.count)
        let header = TarHeader(name: name, kind: kind, mode: 0o600, size: size, modifiedAt: now)
        var block = try #require(header).block
        change(&block)
        block.replaceSubrange(148..<156, with: [UInt8](repeating: 0x20, count: 8))
        let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        let digits = String(repeating: "0", count: 6 - sum.utf8.count) + sum
        block.replaceSubrange(148..<156, with: digits.utf8 + [0, 0x20])
        return block + content + [UInt8](repeating: 0, count: TarHeader.padding(after: size))
    }

    private static func registry() throws -> [UInt8] { try member("usher.sqlite", [1, 2, 3]) }

    private func read(_ archive: [UInt8]) throws -> (content: BackupReader.Content, [UInt8]) {
        let registry = try scratch.file()
        let content = try BackupReader.read(scratch.file(archive), registry: registry)
        return (content, scratch.bytes(of: registry))
    }

    private func written(_ registry: [UInt8], _ keys: [KeyFileCopy]) throws -> [UInt8] {
        let output = try scratch.file()
        var writer = BackupWriter(to: output, now: Self.now)
        try writer.write(registry: scratch.file(registry), keys: keys)
        let bytes = scratch.bytes(of: output)
        #expect(writer.bytesWritten == Int64(bytes.count))
        return bytes
    }

    private func expectForeign(
        _ archive: [UInt8], _ part: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: BackupFault.self, sourceLocation: sourceLocation) {
            try read(archive)
        }
        guard case .foreign(let reason) = error, reason.contains(part) else {
            Issue.record("\(String(describing: error))", sourceLocation: sourceLocation)
            return
        }
    }

    @Test(
        "What is written is read as it was",
        arguments: [(0, 0), (1, 1), (511, 2), (512, 3), (300_000, BackupMember.keysMax)])
    func roundTrip(size: Int, count: Int) throws {
        let registry = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let keys = (0..<count).map {
            KeyFileCopy(name: "k\($0).pem", pem: [UInt8](repeating: UInt8($0 % 256), count: $0))
        }
        let (content, copy) = try read(try written(registry, keys))
        #expect(copy == registry)
        #expect(content.madeAt == Self.now)
        #expect(content.keys.map(\.name) == keys.map(\.name))
        #expect(content.keys.map(\.pem) == keys.map(\.pem))
    }

    @Test("An archive that was cut off anywhere is refused")
    func truncated() throws {
        let key = KeyFileCopy(name: "k.pem", pem: [UInt8](repeating: 7, count: 700))
        let archive = try written([UInt8](repeating: 9, count: 600), [key])
        for length in 0..<archive.count {
            #expect(throws: BackupFault.truncated) { try read(Array(archive.prefix(length))) }
        }
        _ = try read(archive + [UInt8](repeating: 0, count: 10_240))
        expectForeign(archive + [1], "follows its end")
        var filled = archive
        filled[512 + 600] = 1
        expectForeign(filled, "follows usher.sqlite")
        filled = archive
        filled[filled.count - 1] = 1
        expectForeign(filled, "follows its end")
    }

    @Test(
        "A name that is not one of a backup's is refused",
        arguments: [
            "usher.sqlite-wal", "./usher.sqlite", "/usher.sqlite", "../usher.sqlite", "keys",
            "operator.json", "keys/../k.pem", "keys/..", "keys/.", "keys/.k.pem", "keys/a/k.pem",
            "keys//k.pem", "../keys/k.pem", "keys\\k.pem",
        ])
    func names(name: String) throws {
        let member = try Self.member(ByteText(name), [5])
        expectForeign(try Self.registry() + member + Self.end, "does not belong into one")
        expectForeign(member + Self.end, "does not belong into one")
    }

    @Test("A kind of member that is not a backup's is refused")
    func kinds() throws {
        for kind in "123467gxLK\0".utf8 {
            for name: ByteText in ["usher.sqlite", "keys/", "keys/k.pem"] {
                let link = try Self.member(name) { block in
                    block[156] = kind
                    block.replaceSubrange(157..<162, with: "/etc/".utf8)
                }
                expectForeign(link + Self.end, "another program's")
            }
        }
        let key = try Self.member("keys/k.pem/", [], .folder)
        expectForeign(try Self.registry() + key + Self.end, "does not belong into one")
        let folder = try Self.member("usher.sqlite", [], .folder)
        expectForeign(folder + Self.end, "does not belong into one")
        expectForeign(try Self.member("keys/", [5]) + Self.end, "does not belong into one")
    }

    @Test("A member too many, and a backup without its registry, are refused")
    func members() throws {
        let (registry, key) = (try Self.registry(), try Self.member("keys/k.pem", [5]))
        expectForeign(registry + registry + Self.end, "twice")
        expectForeign(registry + key + key + Self.end, "twice")
        expectForeign(key + Self.end, "it has no usher.sqlite")
        expectForeign(Self.end, "it has no usher.sqlite")
        let keys = try (0...BackupMember.keysMax).map { try Self.member(ByteText("keys/k\($0)")) }
        _ = try read(registry + keys.dropLast().joined() + Self.end)
        expectForeign(registry + keys.joined() + Self.end, "more than 1024 keys")
    }

    @Test("What is longer than any key is refused before it is read")
    func longKey() throws {
        let most = KeyFileCopy.bytesMax
        let registry = try Self.registry()
        let longest = try Self.member("keys/k.pem", [UInt8](repeating: 5, count: most))
        #expect(try read(registry + longest + Self.end).content.keys.first?.pem.count == most)
        for size in [Int64(most) + 1, TarHeader.sizeMax] {
            let head = try Self.member("keys/k.pem", size: size).prefix(TarHeader.blockBytes)
            expectForeign(registry + head, "longer than any key")
        }
    }

    @Test("A registry that a tar archive has no room for is not written")
    func largeRegistry() throws {
        let (large, output) = (try scratch.file(), try scratch.file())
        try #require(ftruncate(large, Int(TarHeader.sizeMax) + 1) == 0)
        var writer = BackupWriter(to: output, now: Self.now)
        #expect(throws: BackupFault.tooLarge("usher.sqlite")) {
            try writer.write(registry: large, keys: [])
        }
        #expect(scratch.bytes(of: output).isEmpty)
    }

    @Test("What cannot be read or written is told of by its cause")
    func trouble() throws {
        let output = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(output) }
        var writer = BackupWriter(to: output, now: Self.now)
        #expect(throws: BackupFault.writing(ENOSPC)) {
            try writer.write(registry: scratch.file(), keys: [])
        }
        #expect(throws: BackupFault.reading(EBADF)) {
            try BackupReader.read(-1, registry: output)
        }
        #expect(throws: BackupFault.writing(ENOSPC)) {
            try BackupReader.read(scratch.file(Self.registry()), registry: output)
        }
    }
}
