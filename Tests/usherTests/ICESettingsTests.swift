import Bytes
import Foundation
import ICEServers
import Identifiers
import Testing

@testable import usher

@Suite struct ICESettingsTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func file(_ content: String) throws -> String {
        let path = folder + "/\(UUID().uuidString)"
        try content.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func settings(_ flags: [ByteText: [String]]) throws(SettingError) -> ServeSettings {
        try ServeSettings(
            SettingValues(flags: flags, environment: [:]), defaultData: "/d")
    }

    @Test("Nothing is told of where nothing is set")
    func none() throws {
        let settings = try settings([:])
        #expect(settings.iceServers.isEmpty)
        #expect(settings.ice.turnSecretFile == nil)
    }

    @Test("Servers are told of in the order in which they were set")
    func order() throws {
        let settings = try settings([
            "stun-server": ["stun:a", "stun:b"], "turn-server": ["turn:c", "turns:d"],
            "turn-secret-file": ["file"],
        ])
        let offer = settings.iceServers.offer(to: "s", now: 0) { _ in "m" }
        #expect(
            offer.json.hasPrefix(#"[{"urls":["stun:a","stun:b"]},{"urls":["turn:c","turns:d"]"#))
        #expect(offer.expiresAt == 3600)
    }

    @Test(
        "A wrong setting is named",
        arguments: [
            (["stun-server": ["turn:a"]], "--stun-server"),
            (["turn-server": ["stun:a"], "turn-secret-file": ["f"]], "--turn-server"),
            (["turn-server": ["turn:a"]], "--turn-secret-file"),
            (["turn-secret-file": ["f"]], "--turn-server"),
            (["turn-credential-seconds": ["9"]], "--turn-credential-seconds"),
        ])
    func wrong(flags: [ByteText: [String]], place: String) {
        let error = #expect(throws: SettingError.self) { try settings(flags) }
        #expect(error?.place == place)
    }

    @Test(
        "A secret is one or two lines of at least 16 printable characters",
        arguments: [
            ("0123456789abcdef", true), ("0123456789abcdef\n", true),
            ("0123456789abcdef\nfedcba9876543210\n", true),
            ("", false), ("short\n", false), ("0123456789abcdef\nshort\n", false),
            ("0123456789abcdef\n0123456789abcdef\n0123456789abcdef\n", false),
            ("0123456789 abcdef\n", false), ("0123456789abcd\u{e9}f\n", false),
        ])
    func secrets(content: String, isGood: Bool) throws {
        let path = try file(content)
        guard !isGood else {
            _ = try TURNSecret(path: path)
            return
        }
        let error = #expect(throws: SettingError.self) { _ = try TURNSecret(path: path) }
        #expect(error?.value == path)
        #expect(content.isEmpty || error?.description.contains(content) == false)
    }

    @Test("The first line is signed with, and a file that is no good changes nothing")
    func reload() throws {
        let path = try file("0123456789abcdef\nfedcba9876543210\n")
        let secret = try TURNSecret(path: path)
        let first = secret.mac(Array("1:s".utf8))
        try "fedcba9876543210\n".write(toFile: path, atomically: true, encoding: .utf8)
        try secret.reload()
        let second = secret.mac(Array("1:s".utf8))
        #expect(first != second)
        try "no".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: SettingError.self) { try secret.reload() }
        #expect(secret.mac(Array("1:s".utf8)) == second)
    }
}
