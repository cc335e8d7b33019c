import Bytes
import Files
import Glibc
import SigningKeys
import Tar

/// Reads a backup, strictly: whatever `BackupWriter` would not have written is refused. No name in
/// it becomes a path before it has been checked to be one of the three that there are.
struct BackupReader {
    /// What a backup holds beside the registry, which is written to a file as it comes.
    struct Content {
        /// Each holds a secret.
        var keys: [KeyFileCopy] = []
        /// When it was made, in seconds since the Unix epoch.
        var madeAt: Int64 = 0

        mutating func eraseKeys() {
            for index in keys.indices { keys[index].erase() }
        }
    }

    /// Other programs fill up their archives to whole records.
    private static let fillingBytesMax = 1 << 20

    let input: Int32
    let registry: Int32
    private var seen: Set<ByteText> = []
    private var content = Content()

    /// Reads the archive `input` to its end; the registry's bytes go to the empty file `registry`.
    static func read(_ input: Int32, registry: Int32) throws(BackupFault) -> Content {
        var reader = BackupReader(input: input, registry: registry)
        do throws(BackupFault) {
            while let header = try reader.nextHeader() { try reader.take(header) }
            try reader.expectNothingMore()
            guard reader.seen.contains(BackupMember.registry) else {
                throw .foreign("it has no \(BackupMember.registry)")
            }
        } catch {
            reader.content.eraseKeys()
            throw error
        }
        return reader.content
    }

    private init(input: Int32, registry: Int32) {
        self.input = input
        self.registry = registry
    }

    /// nil at the end of the archive, which is two blocks of zeros.
    private mutating func nextHeader() throws(BackupFault) -> TarHeader? {
        let block = try bytes(TarHeader.blockBytes)
        if block.allSatisfy({ $0 == 0 }) {
            guard try bytes(TarHeader.blockBytes).allSatisfy({ $0 == 0 }) else {
                throw .foreign("something follows its end")
            }
            return nil
        }
        guard let header = TarHeader(block) else {
            throw .foreign("the head of member \(seen.count + 1) is another program's, or damaged")
        }
        return header
    }

    private mutating func take(_ header: TarHeader) throws(BackupFault) {
        guard seen.insert(header.name).inserted else {
            throw .foreign("\(header.name) is there twice")
        }
        switch (header.name, header.kind) {
        case (BackupMember.registry, .file):
            content.madeAt = header.modifiedAt
            try copyRegistry(header.size)
        case (BackupMember.keys, .folder): return
        case (let name, .file) where name.hasPrefix(BackupMember.keys):
            try takeKey(header)
        default: throw .foreign("\(header.name) does not belong into one")
        }
        let filling = try bytes(TarHeader.padding(after: header.size))
        guard filling.allSatisfy({ $0 == 0 }) else {
            throw .foreign("something follows \(header.name)")
        }
    }

    /// Name and key are checked with the others: `KeyFolder.check`.
    private mutating func takeKey(_ header: TarHeader) throws(BackupFault) {
        let name = String(header.name.string.utf8.dropFirst(BackupMember.keys.count)) ?? ""
        guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")),
            name.utf8.first != UInt8(ascii: ".")
        else { throw .foreign("\(header.name) does not belong into one") }
        guard header.size <= Int64(KeyFileCopy.bytesMax) else {
            throw .foreign("\(header.name) is longer than any key")
        }
        guard content.keys.count < BackupMember.keysMax else {
            throw .foreign("it has more than \(BackupMember.keysMax) keys")
        }
        content.keys.append(KeyFileCopy(name: name, pem: try bytes(Int(header.size))))
    }

    private func copyRegistry(_ size: Int64) throws(BackupFault) {
        var left = size
        while left > 0 {
            let part = try bytes(Int(min(left, 1 << 18)))
            let failure = FileBytes.write(part[...], to: registry)
            guard failure == 0 else { throw .writing(failure) }
            left -= Int64(part.count)
        }
    }

    private func expectNothingMore() throws(BackupFault) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var count = 0
        while true {
            let read = try some(&buffer, buffer.count)
            guard read > 0 else { return }
            count += read
            guard count <= Self.fillingBytesMax, buffer[..<read].allSatisfy({ $0 == 0 }) else {
                throw .foreign("something follows its end")
            }
        }
    }

    /// Exactly so many bytes.
    private func bytes(_ count: Int) throws(BackupFault) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let read = try some(&bytes, from: filled, count - filled)
            guard read > 0 else { throw .truncated }
            filled += read
        }
        return bytes
    }

    private func some(
        _ buffer: inout [UInt8], from start: Int = 0, _ count: Int
    ) throws(BackupFault) -> Int {
        while true {
            let read = unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.read(input, $0.baseAddress?.advanced(by: start), count)
            }
            if read >= 0 { return read }
            guard errno == EINTR else { throw .reading(errno) }
        }
    }
}
