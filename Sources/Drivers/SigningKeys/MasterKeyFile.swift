import Cryptography
import Files
import Glibc
import Locking

/// The file that holds the master key: one line, or two while the key is being replaced, of which
/// the first is the new one. With both, everything is opened.
package final class MasterKeyFile: Sendable {
    private static let linesMax = 2
    private static let bytesMax = 1024

    /// What the file held when it was read last.
    private struct State {
        var keys: [MasterKey]
        var readAt: Int64
        var trouble: MasterKeyError?
    }

    package let path: String
    private let allowsGroup: Bool
    private let milliseconds: @Sendable () -> Int64
    private let state: Lock<State>

    /// - Parameters:
    ///   - path: The file, which must be there.
    ///   - allowsGroup: Whether the group may read it, as where Kubernetes mounts it.
    ///   - milliseconds: A clock that only goes forward.
    /// - Throws: What is wrong with the file.
    package init(
        path: String, allowsGroup: Bool,
        milliseconds: @escaping @Sendable () -> Int64 = MasterKeyFile.monotonicMilliseconds
    ) throws(MasterKeyError) {
        self.path = path
        self.allowsGroup = allowsGroup
        self.milliseconds = milliseconds
        state = Lock(
            State(keys: try Self.read(path, allowsGroup), readAt: milliseconds(), trouble: nil))
    }

    /// Of the keys in it, the first one first, as of the last reading.
    package var ids: [MasterKeyID] { state.withLock { $0.keys.map(\.id) } }

    /// The key in the first line, as of the last reading.
    var first: MasterKey { state.withLock { $0.keys[0] } }

    /// The key of this id; nil where the file has none. It is read again for an unknown one, at
    /// most once a second.
    func key(_ id: MasterKeyID) throws(MasterKeyError) -> MasterKey? {
        try state.withLock { state throws(MasterKeyError) in
            if let known = state.keys.first(where: { $0.id == id }) { return known }
            let now = milliseconds()
            if now - state.readAt >= 1000 {
                state.readAt = now
                do throws(MasterKeyError) {
                    state.keys = try Self.read(path, allowsGroup)
                    state.trouble = nil
                } catch {
                    state.trouble = error
                }
            }
            if let trouble = state.trouble { throw trouble }
            return state.keys.first { $0.id == id }
        }
    }

    package static let monotonicMilliseconds: @Sendable () -> Int64 = {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

// MARK: Reading

extension MasterKeyFile {
    private static func read(
        _ path: String, _ allowsGroup: Bool
    ) throws(MasterKeyError) -> [MasterKey] {
        // Not to wait for a writer, should it be a pipe.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { throw .missing(path: path) }
            throw .unreadable(path: path, errorNumber: errno)
        }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else {
            throw .unreadable(path: path, errorNumber: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
        let mode = status.st_mode & 0o777
        guard mode & (allowsGroup ? 0o007 : 0o077) == 0 else {
            throw .tooOpen(path: path, mode: mode)
        }
        guard status.st_size <= bytesMax else { throw .tooLong(path: path) }
        guard var text = SecretReading.all(of: file, bytesMax: bytesMax) else {
            throw .unreadable(path: path, errorNumber: errno)
        }
        defer { eraseSecret(&text) }
        return try keys(in: text, path)
    }

    private static func keys(
        in text: [UInt8], _ path: String
    ) throws(MasterKeyError) -> [MasterKey] {
        let lines = text.split(separator: UInt8(ascii: "\n"))
        guard !lines.isEmpty else { throw .empty(path: path) }
        guard lines.count <= linesMax else {
            throw .tooManyLines(path: path, count: lines.count)
        }
        var keys: [MasterKey] = []
        for (index, line) in lines.enumerated() {
            do throws(MasterKey.LineFault) {
                keys.append(try MasterKey(line: line))
            } catch {
                throw error == .damaged
                    ? .damagedLine(path: path, number: index + 1)
                    : .malformedLine(path: path, number: index + 1)
            }
        }
        guard Set(keys.map(\.id)).count == keys.count else { throw .twice(path: path) }
        return keys
    }

    /// Reads it now.
    private func reread() throws(MasterKeyError) -> [MasterKey] {
        let keys = try Self.read(path, allowsGroup)
        state.withLock { $0 = State(keys: keys, readAt: milliseconds(), trouble: nil) }
        return keys
    }
}

// MARK: Writing

extension MasterKeyFile {
    /// Makes a file with a new key, 0600, whole or not at all.
    ///
    /// - Throws: `.exists` where anything lies there.
    package static func make(path: String) throws(MasterKeyError) -> MasterKeyID {
        let key = MasterKey.generate()
        try write([key], path, .free)
        return key.id
    }

    /// Puts a new key into the first line, and the one before into the second.
    ///
    /// - Returns: The ids of both, and whether the new one was there already.
    func addKey() throws(MasterKeyError) -> (new: MasterKeyID, old: MasterKeyID, isNew: Bool) {
        let keys = try reread()
        guard keys.count == 1 else { return (keys[0].id, keys[1].id, false) }
        let new = MasterKey.generate()
        try replace(by: [new, keys[0]])
        return (new.id, keys[0].id, true)
    }

    /// Takes the second line out, where the first is the key under which all is sealed now: another
    /// command may have put a new one there meanwhile.
    func dropOldKey(beside first: MasterKeyID) throws(MasterKeyError) {
        let keys = try reread()
        if keys.count > 1, keys[0].id == first { try replace(by: [keys[0]]) }
    }

    private func replace(by keys: [MasterKey]) throws(MasterKeyError) {
        var status = stat()
        guard let resolved = unsafe realpath(path, nil), unsafe stat(resolved, &status) == 0 else {
            throw .unwritable(path: path, errorNumber: errno)
        }
        defer { unsafe free(resolved) }
        try Self.write(keys, unsafe String(cString: resolved), .of(status))
        _ = try reread()
    }

    private static func write(
        _ keys: [MasterKey], _ path: String, _ place: OpenFolder.Place
    ) throws(MasterKeyError) {
        var text: [UInt8] = []
        text.reserveCapacity(bytesMax)  // So that no copy is left behind.
        for key in keys {
            var line = key.line
            text += line
            eraseSecret(&line)
        }
        defer { eraseSecret(&text) }
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.utf8.index(after: $0)...]) } ?? path
        do throws(FileFailure) {
            try OpenFolder(path: folder).write(
                text, as: name, draft: ".\(name).new-\(SecureRandom.uint64())", in: place)
        } catch {
            if error.errorNumber == EEXIST { throw .exists(path: path) }
            throw .unwritable(path: path, errorNumber: error.errorNumber)
        }
    }
}
