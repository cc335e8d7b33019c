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
/// It lies in the data folder, for its owner alone, as long as the service runs.
struct OperatorPass: Equatable, Sendable {
    let url: String
    /// 32 random bytes in base64url.
    let token: String

    private static let fileName = "operator.json"

    static func path(in data: String) -> String { "\(data)/\(fileName)" }

    /// A new one for a service that is about to run.
    static func make(url: String) -> OperatorPass {
        OperatorPass(url: url, token: Base64URL.encode(SecureRandom.bytes(32)))
    }

    @Sendable func isToken(_ bytes: [UInt8]) -> Bool {
        constantTimeEqual(bytes, Array(token.utf8))
    }

    // MARK: The file

    /// Writes the file anew, with mode 0600.
    func write(in data: String) throws(CommandFailure) {
        let value: JSONValue = ["url": .string(url), "token": .string(token)]
        do throws(FileFailure) {
            try OpenFolder(path: data).write(
                value.serialized() + [0x0A], as: Self.fileName,
                draft: ".\(Self.fileName).\(getpid()).new")
        } catch {
            throw CommandFailure("cannot write \(Self.path(in: data)): \(error)")
        }
    }

    /// Removes the file, unless another service has written its own since.
    func remove(in data: String) {
        guard let found = try? Self.read(in: data), found == self else { return }
        unsafe unlink(Self.path(in: data))
    }

    /// - Throws: When no service runs on this data folder, or the file is not to be trusted.
    static func read(in data: String) throws(CommandFailure) -> OperatorPass {
        let path = path(in: data)
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            guard errno == ENOENT else {
                throw CommandFailure("cannot read \(path): \(FileFailure(errorNumber: errno))")
            }
            throw CommandFailure(
                "no relay runs on \(data): there is no operator.json. Start usher serve, or say "
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
