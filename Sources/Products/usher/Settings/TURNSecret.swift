import Bytes
import Cryptography
import Foundation
import Locking

/// The secret shared with the TURN servers, read at the start and again on SIGHUP.
///
/// The file has one line, or two while the secret is being replaced: the first is signed with, and
/// the TURN servers take both.
final class TURNSecret: Sendable {
    private static let bytesMin = 16
    private static let linesMax = 2

    private let path: String
    private let secret: Lock<[UInt8]>

    init(path: String) throws(SettingError) {
        self.path = path
        secret = Lock(try Self.read(path))
    }

    /// What cannot be read changes nothing.
    func reload() throws(SettingError) {
        let new = try Self.read(path)
        secret.withLock { $0 = new }
    }

    /// HMAC-SHA-1 in base64, as TURN servers check it.
    func mac(_ userName: [UInt8]) -> String {
        Base64.encode(HMACSHA1.tag(userName, secret: secret.withLock { $0 }))
    }

    private static func read(_ path: String) throws(SettingError) -> [UInt8] {
        func fault(_ expected: String) -> SettingError {
            SettingError(place: ICESettings().turnSecretFile.flag, value: path, expected: expected)
        }
        guard let content = FileManager.default.contents(atPath: path) else {
            throw fault("a file that can be read")
        }
        let lines = TextFile.withoutMark([UInt8](content)).split { $0 == 0x0A || $0 == 0x0D }
        guard (1...linesMax).contains(lines.count), lines.allSatisfy({ $0.count >= bytesMin }),
            lines.joined().allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw fault(
                "a file of one or two lines, each a secret of at least \(bytesMin) printable "
                    + "characters without spaces (openssl rand -hex 32 makes one)")
        }
        return Array(lines[0])
    }
}
