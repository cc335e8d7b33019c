import Bytes
import Cryptography
import Locking
import StrictJSON
import Synchronization
import Tokens

/// A folder of public keys that is looked at again as time goes on: by whoever verifies, at most
/// once for each second of the clock they verify by. There is no thread.
///
/// Each file counts by itself. One that is gone takes its keys along; one that cannot be read, half
/// written say, keeps those it had.
final class WatchedFolder: Sendable {
    private struct File: Sendable {
        let stamp: FolderReader.Stamp?
        var keys: [PublicKey] = []
        var reasons: [String] = []
        var fault: String?
    }

    private struct State: Sendable {
        var files: [ByteText: File] = [:]
        var fault: VerifierConfigurationError?
    }

    private let path: String
    private let lastLook = Atomic<Int64>(.min)
    private let state: Lock<State>

    /// Reads the folder.
    ///
    /// - Throws: `.keyFolder` where it cannot be read, or a file in it holds no keys.
    init(path: String) throws(VerifierConfigurationError) {
        self.path = path
        let files = try Self.files(in: path, before: [:])
        for (name, file) in files {
            if let fault = file.fault { throw .keyFolder(path: path, reason: "\(name): \(fault)") }
        }
        state = Lock(State(files: files))
    }

    /// What is in it now, as last read.
    var finding: KeyFinding { state.withLock { Self.finding(in: $0.files) } }

    /// Why its keys, or some of them, are not the newest; nil where they are.
    var fault: VerifierConfigurationError? { state.withLock { $0.fault } }

    /// Hands what is in it to `replace` if anything has changed since the last look. Others go on
    /// with the old keys meanwhile.
    func look(
        at now: Int64, replace: (KeyFinding) throws(VerifierConfigurationError) -> Void
    ) {
        let last = lastLook.load(ordering: .relaxed)
        guard now != last,
            lastLook.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged
        else { return }
        _ = state.withLockIfAvailable { state in
            do throws(VerifierConfigurationError) {
                try Self.look(at: path, &state, replace: replace)
            } catch {
                state.fault = error
            }
        }
    }

    private static func look(
        at path: String, _ state: inout State,
        replace: (KeyFinding) throws(VerifierConfigurationError) -> Void
    ) throws(VerifierConfigurationError) {
        let before = state.files
        let files = try files(in: path, before: before)
        let isChange =
            files.count != before.count
            || files.contains { name, file in before[name]?.stamp != file.stamp }
        guard isChange || state.fault != nil else { return }
        state.files = files
        try replace(finding(in: files))
        state.fault =
            files.sorted { $0.key < $1.key }.lazy.compactMap { name, file in
                file.fault.map { .keyFolder(path: path, reason: "\(name): \($0)") }
            }.first
    }

    /// Reads the files that are not as they were before.
    private static func files(
        in path: String, before: [ByteText: File]
    ) throws(VerifierConfigurationError) -> [ByteText: File] {
        guard let names = FolderReader.names(in: path) else {
            throw .keyFolder(path: path, reason: "it cannot be listed")
        }
        guard names.count <= FolderReader.filesMax else {
            throw .keyFolder(
                path: path,
                reason: "it holds \(names.count) key files, at most \(FolderReader.filesMax) are"
                    + " taken")
        }
        var files: [ByteText: File] = [:]
        for name in names {
            // Taken before the file is read: what is written meanwhile is read the next time.
            let stamp = FolderReader.stamp(of: "\(path)/\(name)")
            if let known = before[name], known.stamp == stamp {
                files[name] = known
                continue
            }
            var file = File(stamp: stamp)
            do throws(VerifierConfigurationError) {
                let finding = try read(name, in: path)
                (file.keys, file.reasons) = (finding.keys, finding.reasons)
            } catch {
                file.keys = before[name]?.keys ?? []
                file.fault = error.description
            }
            files[name] = file
        }
        return files
    }

    private static func read(
        _ name: ByteText, in path: String
    ) throws(VerifierConfigurationError) -> KeyFinding {
        guard let bytes = FolderReader.read("\(path)/\(name)") else {
            throw .keySetRefused(reason: "it cannot be read, is no plain file, or has over 64 KiB")
        }
        if name.hasSuffix(".pem") {
            do throws(CryptographyError) {
                return KeyFinding(keys: [try PublicKeyPEM.read(bytes)])
            } catch .unreadablePEM {
                throw .keySetRefused(reason: "it is no PEM file with one `PUBLIC KEY`")
            } catch {
                throw .keySetRefused(reason: error.description)
            }
        }
        return try KeyFinding(set: asSet(bytes))
    }

    /// A key by itself as a set of one.
    private static func asSet(_ json: [UInt8]) -> [UInt8] {
        guard case .object(let object)? = try? JSONValue.parse(json), object["keys"] == nil,
            object["kty"] != nil
        else { return json }
        return Array(#"{"keys":["#.utf8) + json + Array("]}".utf8)
    }

    /// A key that is in several files is one key.
    private static func finding(in files: [ByteText: File]) -> KeyFinding {
        var finding = KeyFinding(keys: [])
        for (name, file) in files.sorted(by: { $0.key < $1.key }) {
            for key in file.keys where !finding.keys.contains(key) { finding.keys.append(key) }
            finding.reasons += file.reasons.map { "\(name): \($0)" }
        }
        return finding
    }
}
