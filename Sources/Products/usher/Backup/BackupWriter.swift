import Bytes
import Files
import Glibc
import SigningKeys
import Tar

/// Members of a backup, by the names that they have in the data folder.
enum BackupMember {
    static let registry: ByteText = "usher.sqlite"
    static let keys: ByteText = "keys/"
    /// The most keys of a backup; a folder has three, or some more.
    static let keysMax = 1024
}

/// Writes a backup to a descriptor: a tar archive, with everything for its owner alone.
struct BackupWriter {
    let descriptor: Int32
    /// Seconds since the Unix epoch.
    let now: Int64
    private(set) var bytesWritten: Int64 = 0

    init(to descriptor: Int32, now: Int64) {
        self.descriptor = descriptor
        self.now = now
    }

    /// Writes all of it. `registry` is an open file, read from where it stands to its end.
    mutating func write(registry: Int32, keys: [KeyFileCopy]) throws(BackupFault) {
        var status = stat()
        guard unsafe fstat(registry, &status) == 0 else { throw .reading(errno) }
        try head(BackupMember.registry, .file, 0o600, Int64(status.st_size))
        try copy(registry, Int64(status.st_size))
        try head(BackupMember.keys, .folder, 0o700, 0)
        for key in keys {
            let size = Int64(key.pem.count)
            try head(ByteText(BackupMember.keys.string + key.name), .file, 0o600, size)
            try put(key.pem[...])
            try fill(after: size)
        }
        try put([UInt8](repeating: 0, count: 2 * TarHeader.blockBytes)[...])
    }

    private mutating func head(
        _ name: ByteText, _ kind: TarHeader.Kind, _ mode: UInt16, _ size: Int64
    ) throws(BackupFault) {
        let header = TarHeader(name: name, kind: kind, mode: mode, size: size, modifiedAt: now)
        guard let header else { throw .tooLarge(name.string) }
        try put(header.block[...])
    }

    private mutating func copy(_ file: Int32, _ size: Int64) throws(BackupFault) {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var left = size
        while left > 0 {
            let count = unsafe read(file, &buffer, min(buffer.count, Int(clamping: left)))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .reading(count < 0 ? errno : EIO) }
            try put(buffer[..<count])
            left -= Int64(count)
        }
        try fill(after: size)
    }

    private mutating func fill(after size: Int64) throws(BackupFault) {
        try put([UInt8](repeating: 0, count: TarHeader.padding(after: size))[...])
    }

    private mutating func put(_ bytes: ArraySlice<UInt8>) throws(BackupFault) {
        let failure = FileBytes.write(bytes, to: descriptor)
        guard failure == 0 else { throw .writing(failure) }
        bytesWritten += Int64(bytes.count)
    }
}

/// Why a backup cannot be written, or is none.
enum BackupFault: Error, Equatable, CustomStringConvertible {
    case reading(Int32)
    case writing(Int32)
    /// More than a tar archive's member can have.
    case tooLarge(String)
    case truncated
    /// Not as `usher backup` writes it; says what, and where.
    case foreign(String)

    var description: String {
        switch self {
        case .reading(let number): "it cannot be read: \(Self.text(number))"
        case .writing(let number): "it cannot be written: \(Self.text(number))"
        case .tooLarge(let name): "\(name) is larger than the 8 GiB of a member of a tar archive"
        case .truncated: "it ends too early: a part of it is missing"
        case .foreign(let reason): "it is no backup as usher backup writes it: \(reason)"
        }
    }

    private static func text(_ number: Int32) -> String { unsafe String(cString: strerror(number)) }
}
