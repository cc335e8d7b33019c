import Bytes
import Cryptography
import Foundation
import StrictJSON
import Testing
import TokenIssuing
import Tokens
import UsherVerifier

/// A folder of its own for each test, gone after it.
private final class Folder {
    let path = FileManager.default.temporaryDirectory.path + "/usher-\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], as name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name), options: .atomic)
    }

    func write(_ text: String, as name: String) throws { try write(Array(text.utf8), as: name) }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: path + "/" + name)
    }
}

@Suite("Keys in a folder")
struct FolderTests {
    private let folder: Folder
    private var keys: [SigningKey] { Self.keys }

    /// Made once: an RSA key takes its time.
    private static let keys: [SigningKey] = try! [
        .generate(.es256), .generate(.rs256), .generate(.eddsa),
    ]

    init() throws { folder = try Folder() }

    private func verifier() throws(VerifierConfigurationError) -> Verifier {
        try Verifier(
            issuer: Forge.issuer, audience: Forge.audience,
            algorithms: Set(Verifier.Algorithm.allCases), keys: .folder(path: folder.path))
    }

    private func error() -> VerifierConfigurationError? {
        do throws(VerifierConfigurationError) {
            _ = try verifier()
            return nil
        } catch {
            return error
        }
    }

    private func rejection(
        _ verifier: Verifier, of key: SigningKey, at now: Int64
    ) throws -> TokenRejection? {
        let token = try TokenIssuer(key: key).issue(Forge.claims())
        do throws(TokenRejection) {
            _ = try verifier.verify(token, atSecondsSinceEpoch: now)
            return nil
        } catch {
            return error
        }
    }

    private func set(_ keys: SigningKey...) -> [UInt8] { JWKSet.serialize(keys.map(\.publicKey)) }

    @Test("Sets, single keys and PEM files are read; other files and dot files are not")
    func kinds() throws {
        try folder.write(set(keys[0]), as: "a.json")
        try folder.write(keys[1].publicKey.jwk.serialized(), as: "b.jwk")
        try folder.write(try Self.publicPEM(of: keys[2]), as: "c.pem")
        try folder.write("hello", as: "README.md")
        try folder.write("hello", as: ".hidden.json")
        let verifier = try verifier()
        for key in keys { #expect(try rejection(verifier, of: key, at: Forge.now) == nil) }
        #expect(verifier.keyCount == 3 && verifier.keyFault == nil)
    }

    @Test("Public keys that OpenSSL wrote come out as they went in", arguments: [0, 1, 2])
    func openSSL(_ index: Int) throws {
        let key = keys[index]
        #expect(try PublicKeyPEM.read(try Self.publicPEM(of: key)) == key.publicKey)
    }

    @Test("A private key in place of a public one is refused")
    func privateKey() throws {
        try folder.write(try keys[0].pem(), as: "key.pem")
        guard case .keyFolder(folder.path, let reason) = error() else {
            Issue.record("it was taken")
            return
        }
        #expect(reason.hasPrefix("key.pem: ") && reason.contains("PUBLIC KEY"))
    }

    @Test("At the start a folder must be there, hold a usable key, and no file at fault")
    func start() throws {
        #expect(error() == .noUsableKey(reasons: []))
        try folder.write(set(keys[0]), as: "a.json")
        #expect(error() == nil)
        for (text, name) in [
            ("<html>", "b.json"), ("{}", "b.jwk"), ("x", "b.pem"),
            (#"{"kty":"oct","k":"AAAA"}"#, "b.jwk"),
            (String(repeating: " ", count: 65_537), "b.json"),
        ] {
            try folder.write(text, as: name)
            guard case .keyFolder(_, let reason) = error() else {
                Issue.record("\(text) was taken")
                return
            }
            #expect(reason.hasPrefix("\(name): "))
            try folder.remove(name)
        }
        try FileManager.default.removeItem(atPath: folder.path)
        guard case .keyFolder = error() else {
            Issue.record("no folder, no error")
            return
        }
    }

    @Test("A pipe in the folder is refused, not waited for")
    func pipe() throws {
        let status = unsafe mkfifo(folder.path + "/a.json", 0o600)
        #expect(status == 0)
        guard case .keyFolder = error() else {
            Issue.record("it was taken")
            return
        }
    }

    @Test("A file that comes or goes counts from the next second on, without a restart")
    func change() throws {
        try folder.write(set(keys[0]), as: "a.json")
        let verifier = try verifier()
        #expect(try rejection(verifier, of: keys[0], at: Forge.now) == nil)
        try folder.write(set(keys[2]), as: "b.json")
        #expect(try rejection(verifier, of: keys[2], at: Forge.now) == .unknownKey)
        #expect(try rejection(verifier, of: keys[2], at: Forge.now + 1) == nil)
        try folder.remove("a.json")
        #expect(try rejection(verifier, of: keys[0], at: Forge.now + 1) == nil)
        #expect(try rejection(verifier, of: keys[0], at: Forge.now + 2) == .unknownKey)
        #expect(verifier.keyFault == nil)
    }

    @Test("A clock that is set back does not stop the watch")
    func clockBack() throws {
        try folder.write(set(keys[0]), as: "a.json")
        let verifier = try verifier()
        #expect(try rejection(verifier, of: keys[0], at: Forge.now + 20) == nil)
        try folder.write(set(keys[2]), as: "b.json")
        #expect(try rejection(verifier, of: keys[2], at: Forge.now) == nil)
    }

    @Test("When the last file is gone, every token is refused")
    func empty() throws {
        try folder.write(set(keys[0]), as: "a.json")
        let verifier = try verifier()
        #expect(try rejection(verifier, of: keys[0], at: Forge.now) == nil)
        try folder.remove("a.json")
        #expect(try rejection(verifier, of: keys[0], at: Forge.now + 1) == .unknownKey)
        try folder.write(set(keys[0]), as: "a.json")
        #expect(try rejection(verifier, of: keys[0], at: Forge.now + 2) == nil)
    }

    @Test("A file that is half written keeps the keys it had, and its fault is told")
    func halfWritten() throws {
        let json = set(keys[0])
        try folder.write(json, as: "a.json")
        try folder.write(set(keys[2]), as: "b.json")
        let verifier = try verifier()
        try folder.write(Array(json.prefix(40)), as: "a.json")
        try folder.remove("b.json")
        #expect(try rejection(verifier, of: keys[0], at: Forge.now) == nil)
        #expect(try rejection(verifier, of: keys[2], at: Forge.now) == .unknownKey)
        guard case .keyFolder(_, let reason) = verifier.keyFault else {
            Issue.record("no fault is told")
            return
        }
        #expect(reason.hasPrefix("a.json: "))
        try folder.write(set(keys[1]), as: "a.json")
        #expect(try rejection(verifier, of: keys[1], at: Forge.now + 1) == nil)
        #expect(try rejection(verifier, of: keys[0], at: Forge.now + 1) == .unknownKey)
        #expect(verifier.keyFault == nil)
    }

    @Test("A folder that is away for a while changes nothing but the fault")
    func away() throws {
        try folder.write(set(keys[0]), as: "a.json")
        let verifier = try verifier()
        let elsewhere = folder.path + "-away"
        try FileManager.default.moveItem(atPath: folder.path, toPath: elsewhere)
        #expect(try rejection(verifier, of: keys[0], at: Forge.now) == nil)
        #expect(verifier.keyFault?.code == "verifier_key_folder")
        try FileManager.default.moveItem(atPath: elsewhere, toPath: folder.path)
        #expect(try rejection(verifier, of: keys[0], at: Forge.now + 1) == nil)
        #expect(verifier.keyFault == nil)
    }

    @Test("One key in two files is one key; two keys of one name change nothing, and it is told")
    func sameName() throws {
        try folder.write(set(keys[0]), as: "a.json")
        try folder.write(set(keys[0]), as: "b.json")
        let verifier = try verifier()
        #expect(verifier.keyCount == 1)
        let impostor = try PublicKey(
            SigningKey.generate(.es256).publicKey.material, keyID: keys[0].publicKey.keyID,
            sha256: Digest.sha256)
        try folder.write(JWKSet.serialize([impostor]), as: "c.json")
        #expect(try rejection(verifier, of: keys[0], at: Forge.now) == nil)
        guard case .keySetRefused = verifier.keyFault else {
            Issue.record("no fault is told")
            return
        }
    }

    @Test("A link that is pointed elsewhere is followed")
    func link() throws {
        let (one, two) = (try Folder(), try Folder())
        try one.write(set(keys[0]), as: "k.json")
        try two.write(set(keys[2]), as: "k.json")
        let manager = FileManager.default
        try manager.createSymbolicLink(
            atPath: folder.path + "/data", withDestinationPath: one.path)
        try manager.createSymbolicLink(
            atPath: folder.path + "/k.json", withDestinationPath: "data/k.json")
        let verifier = try verifier()
        #expect(try rejection(verifier, of: keys[0], at: Forge.now) == nil)
        try folder.remove("data")
        try manager.createSymbolicLink(
            atPath: folder.path + "/data", withDestinationPath: two.path)
        #expect(try rejection(verifier, of: keys[2], at: Forge.now + 1) == nil)
        #expect(try rejection(verifier, of: keys[0], at: Forge.now + 1) == .unknownKey)
    }

    @Test("More than 32 files are not taken")
    func tooMany() throws {
        for number in 0..<33 { try folder.write(set(keys[0]), as: "\(number).json") }
        guard case .keyFolder = error() else {
            Issue.record("they were taken")
            return
        }
    }

    /// What `openssl pkey -pubout` makes of a private key.
    private static func publicPEM(of key: SigningKey) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl", "pkey", "-pubout"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(try key.pem()))
        try input.fileHandleForWriting.close()
        let pem = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return [UInt8](pem)
    }
}
