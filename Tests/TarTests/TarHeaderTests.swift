import Bytes
import Foundation
import Tar
import Testing

@Suite("Heads of tar members")
struct TarHeaderTests {
    private func make(
        _ name: ByteText = "keys/a.pem", _ kind: TarHeader.Kind = .file, mode: UInt16 = 0o600,
        size: Int64 = 1234, at time: Int64 = 1_800_000_000
    ) -> TarHeader? {
        TarHeader(name: name, kind: kind, mode: mode, size: size, modifiedAt: time)
    }

    @Test(
        "What is written is read as it was",
        arguments: [
            ("a", TarHeader.Kind.file, 0), ("usher.sqlite", .file, TarHeader.sizeMax),
            (String(repeating: "n", count: 99), .file, 511), ("keys/", .folder, 0),
        ])
    func roundTrip(name: String, kind: TarHeader.Kind, size: Int64) throws {
        let header = try #require(make(ByteText(name), kind, size: size))
        #expect(header.block.count == 512)
        #expect(TarHeader(header.block) == header)
    }

    @Test("What the form has no room for is not written")
    func bounds() {
        #expect(make("") == nil)
        #expect(make(ByteText(String(repeating: "n", count: 100))) == nil)
        #expect(make("a b") == nil && make("é") == nil && make("a\n") == nil)
        #expect(make(size: TarHeader.sizeMax + 1) == nil && make(size: -1) == nil)
        #expect(make(at: -1) == nil)
        #expect(make(mode: 0o10_000) == nil)
        #expect(make("keys/", .folder, size: 1) == nil)
    }

    @Test("Whole blocks follow each other")
    func padding() {
        #expect([0, 1, 511, 512, 513].map { TarHeader.padding(after: $0) } == [0, 511, 1, 0, 511])
    }

    @Test("A block with any byte other than written is refused")
    func everyByteCounts() throws {
        let block = try #require(make()).block
        for index in block.indices {
            for flip in [UInt8(0x01), 0x20, 0x80] {
                var other = block
                other[index] ^= flip
                #expect(TarHeader(other) == nil, "byte \(index)")
            }
        }
        #expect(TarHeader(Array(block.dropLast())) == nil)
        #expect(TarHeader(block + [0]) == nil)
        #expect(TarHeader([UInt8](repeating: 0, count: 512)) == nil)
    }

    @Test("tar reads what is written")
    func anyTarReadsIt() throws {
        let content = Array("hello\n".utf8)
        let head = try #require(make("keys/x", size: Int64(content.count)))
        let folder = try #require(make("keys/", .folder, mode: 0o700, size: 0))
        let padding = [UInt8](
            repeating: 0, count: TarHeader.padding(after: head.size) + 2 * TarHeader.blockBytes)
        let archive = folder.block + head.block + content + padding
        let path = NSTemporaryDirectory() + "usher-tar-" + UUID().uuidString
        try Data(archive).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["tar", "--to-stdout", "-xf", path, "keys/x"]
        process.standardOutput = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect([UInt8](text) == content)
    }
}
