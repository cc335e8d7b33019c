import Bytes
import Cryptography
import Foundation
import HTTPMessages
import ICEServers
import Locking

/// The STUN and TURN servers that peers are told of, and where the secret lies that is shared with
/// the latter.
struct ICESettings: Equatable, Sendable {
    let servers: ICEServers
    /// nil where no TURN server is named.
    let secretFile: String?

    /// - Throws: `SettingError` for the first setting that is not what it must be.
    init(_ values: SettingValues) throws(SettingError) {
        let turn = try Self.urls(values, .turnServer, .turn, "turn:turn.example:3478?transport=udp")
        let range = ICEServers.lifetimeSecondsRange
        let seconds = try values.integer(
            .turnCredentialSeconds, default: 3600,
            in: Int(range.lowerBound)...Int(range.upperBound))
        secretFile = values.text(.turnSecretFile)
        if !turn.isEmpty, secretFile == nil {
            throw values.error(
                .turnSecretFile,
                expected: "the file of the secret that the TURN server has too "
                    + "(static-auth-secret of coturn)")
        }
        if turn.isEmpty, secretFile != nil {
            throw values.error(.turnServer, expected: "the TURN server whose secret is given")
        }
        servers = ICEServers(
            try Self.urls(values, .stunServer, .stun, "stun:stun.example:3478") + turn,
            lifetimeSeconds: Int64(seconds))
    }

    private static func urls(
        _ values: SettingValues, _ setting: Setting, _ kind: ICEServerURL.Kind, _ example: String
    ) throws(SettingError) -> [ICEServerURL] {
        var urls: [ICEServerURL] = []
        for text in values.texts(setting) {
            guard let url = ICEServerURL(ByteText(text)), url.kind == kind else {
                throw values.error(setting, value: text, expected: "a URL such as \(example)")
            }
            urls.append(url)
        }
        return urls
    }
}

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
            SettingError(place: Setting.turnSecretFile.flag, value: path, expected: expected)
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
