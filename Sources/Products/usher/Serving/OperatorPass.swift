import Bytes
import Cryptography
import Files
import Foundation
import Glibc
import StrictJSON
import Tokens

/// The file by which commands on this machine find the running service and prove that they may
/// see and change what its operator may: the operator's URL and a random bearer token.
///
/// It lies in the data folder, for its owner alone, as long as the service runs. Nodes of a cluster
/// may share the folder: each has a file of its own, which bears its name.
struct OperatorPass: Equatable, Sendable {
    let url: String
    /// 32 random bytes in base64url.
    let token: String

    private static func fileName(_ node: String?) -> String {
        node.map { "operator-\($0).json" } ?? "operator.json"
    }

    private static func path(in data: String, of node: String?) -> String {
        "\(data)/\(fileName(node))"
    }

    /// A new one for a service that is about to run.
    static func make(url: String) -> OperatorPass {
        OperatorPass(url: url, token: Base64URL.encode(SecureRandom.bytes(32)))
    }

    @Sendable func isToken(_ bytes: [UInt8]) -> Bool {
        constantTimeEqual(bytes, Array(token.utf8))
    }

    // MARK: The file

    /// Writes the file anew, with mode 0600.
    func write(in data: String, of node: String?) throws(CommandFailure) {
        let value: JSONValue = ["url": .string(url), "token": .string(token)]
        let name = Self.fileName(node)
        do throws(FileFailure) {
            try OpenFolder(path: data).write(
                value.serialized() + [0x0A], as: name, draft: ".\(name).\(getpid()).new")
        } catch {
            throw CommandFailure("cannot write \(Self.path(in: data, of: node)): \(error)")
        }
    }

    /// Removes the file, unless another service has written its own since.
    func remove(in data: String, of node: String?) {
        let path = Self.path(in: data, of: node)
        guard let found = try? Self.read(path: path, in: data), found == self else { return }
        unsafe unlink(path)
    }

    /// The passes of all nodes that run on a folder, or were killed there; of one service, its own;
    /// one alone where it is named. Never none.
    ///
    /// - Throws: When no service runs there, or none of that name.
    static func all(
        in data: String, named node: String?
    ) throws(CommandFailure) -> [OperatorPass] {
        if let node { return [try read(path: path(in: data, of: node), in: data)] }
        let passes = nodes(in: data).compactMap { node in
            try? read(path: path(in: data, of: node), in: data)
        }
        return passes.isEmpty ? [try read(path: path(in: data, of: nil), in: data)] : passes
    }

    /// Those that run on a folder, if no service does that is no node.
    private static func nodes(in data: String) -> [String] {
        guard FileLook(path(in: data, of: nil)) == nil,
            let names = try? OpenFolder(path: data).names()
        else { return [] }
        return names.compactMap { name in
            guard let rest = name.after("operator-"), let node = rest.before(".json") else {
                return nil
            }
            return node
        }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func read(
        path: String, in data: String
    ) throws(CommandFailure) -> OperatorPass {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            guard errno == ENOENT else {
                throw CommandFailure("cannot read \(path): \(FileFailure(errorNumber: errno))")
            }
            throw CommandFailure(
                "no relay runs on \(data): there is no \(path.fileName). Start usher serve, or say "
                    + "with --data where it keeps its registry")
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        guard let content = try? file.read(upToCount: 4096),
            let object = (try? JSONValue.parse([UInt8](content)))?.object,
            let url = object["url"]?.string, let token = object["token"]?.string
        else { throw CommandFailure("\(path) is not what usher serve writes: start it again") }
        return OperatorPass(url: url.string, token: token.string)
    }
}

extension String {
    fileprivate var fileName: Substring {
        utf8.lastIndex(of: UInt8(ascii: "/")).map { self[utf8.index(after: $0)...] } ?? self[...]
    }

    fileprivate func after(_ prefix: String) -> String? {
        utf8.starts(with: prefix.utf8) ? String(utf8.dropFirst(prefix.utf8.count)) : nil
    }

    fileprivate func before(_ suffix: String) -> String? {
        let start = utf8.count - suffix.utf8.count
        guard start > 0, utf8.dropFirst(start).elementsEqual(suffix.utf8) else { return nil }
        return String(utf8.prefix(start))
    }
}
