import Clients
import Cryptography
import Foundation
import Testing
import Tokens

@testable import SigningKeys

/// A folder that is gone when the test ends.
final class KeyScratch {
    let path: String
    var keys: String { path + "/keys" }

    init() throws {
        path = NSTemporaryDirectory() + "usher-keys-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
    }

    var folder: KeyFolder { KeyFolder(path: keys) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: keys).sorted()
    }

    func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? Int) ?? -1
    }

    func setMode(_ mode: Int, _ path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    /// Writes a file with mode 0600.
    func write(_ bytes: [UInt8], _ name: String) throws -> String {
        let path = keys + "/" + name
        _ = FileManager.default.createFile(
            atPath: path, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
        return path
    }
}

extension KeyScratch {
    /// Writes a key's file; without a date as older versions did.
    func place(_ key: SigningKey, _ stage: KeyStage, since: String? = nil) throws {
        let date = since.map { ".\($0)" } ?? ""
        _ = try write(try key.pem(), "\(key.publicKey.keyID)\(date).\(stage.rawValue).pem")
    }

    func stages() throws -> [String] { try folder.stages() }
}

/// The error that `body` throws; nil where it throws none.
func keyStoreError<Result>(_ body: () throws(KeyStoreError) -> Result) -> KeyStoreError? {
    do throws(KeyStoreError) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}
