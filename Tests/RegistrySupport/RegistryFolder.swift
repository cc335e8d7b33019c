package import Bytes
package import Clients
package import Foundation
internal import Identifiers
import Locking
package import RegistryOnSQLite
package import Tokens

/// A registry of one test's own, gone when the test is over: a file, or a database of the server
/// that `USHER_TEST_POSTGRES` names.
package final class RegistryFolder: Sendable {
    package static let isFile = PostgresDatabase.server == nil

    package enum Kind: Sendable { case file, database }

    package let url: URL
    package let path: String
    private let database: PostgresDatabase?
    package var kind: Kind { database == nil ? .file : .database }

    /// `isFile` where the test needs the one kind, or both.
    package init(isFile: Bool = RegistryFolder.isFile) throws {
        let name = UUID().uuidString
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("usher-registry-\(name)", isDirectory: true)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        path = url.appendingPathComponent("data/registry.sqlite").path
        database =
            try isFile
            ? nil : PostgresDatabase.server.map { try PostgresDatabase(on: $0, name) }
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
        try? database?.drop()
    }

    package func open(mustExist: Bool = false) throws -> any Registry {
        if let database { return try database.open() }
        return try openFile(mustExist: mustExist)
    }

    /// As what a copy is made of, or into.
    package func openForCopy(toBeFilled: Bool) throws -> any CopiedRegistry {
        if let database { return try database.openForCopy(toBeFilled: toBeFilled) }
        return try toBeFilled ? RegistryOnSQLite(toBeFilledAt: path) : openFile(mustExist: true)
    }

    package func openFile(mustExist: Bool = false) throws -> RegistryOnSQLite {
        try RegistryOnSQLite(path: path, mustExist: mustExist)
    }

    /// Opens and closes the registry, so that the file alone holds everything.
    package func make(with clients: [Client] = []) throws {
        let registry = try open()
        for client in clients { try registry.add(client) }
    }

    /// Has SQL done, past every rule: another text where the dialects differ.
    package func execute(_ sql: String, postgres: String? = nil) throws {
        if let database { return try database.execute(postgres ?? sql) }
        try RawRegistry(path: path).execute(sql)
    }

    /// The first column, of text, of every row.
    package func texts(_ sql: String) throws -> [String] {
        try database?.texts(sql) ?? RawRegistry(path: path).texts(sql)
    }

    /// Has nobody find the registry until it is shown again.
    package func hide() throws {
        if let database { return try database.hide() }
        try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
    }

    package func show() throws {
        if let database { return try database.show() }
        try FileManager.default.moveItem(atPath: path + ".away", toPath: path)
    }

    package func write(_ bytes: Data) throws {
        let file = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try bytes.write(to: file)
    }

    /// Overwrites bytes of the file.
    package func patch(at offset: Int, with bytes: [UInt8]) throws {
        var data = try Data(contentsOf: URL(fileURLWithPath: path))
        data.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        try write(data)
    }

    package func permissions(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? Int) ?? -1
    }
}

extension Client {
    /// A client with the id `c_` and its name.
    package static func sample(
        _ name: String, rooms: [String] = ["*"], origins: [ByteText] = [],
        scopes: [ByteText] = ["signal"], createdAt: Int64 = 1_000
    ) throws -> Client {
        try NewClient(name: name, rooms: rooms, origins: origins, scopes: scopes).client(
            clientID: "c_\(name)", secretDigest: [UInt8](repeating: 1, count: 32),
            atSecondsSinceEpoch: createdAt)
    }
}

/// Counts calls from another thread.
package final class Counter: Sendable {
    private let count = Lock(0)

    package init() {}
    package var value: Int { count.withLock { $0 } }
    package func increment() { count.withLock { $0 += 1 } }
}

/// Waits for another thread to have done its part.
package func eventually(_ isSo: () throws -> Bool) async throws -> Bool {
    for _ in 0..<500 {
        if try isSo() { return true }
        try await Task.sleep(for: .milliseconds(20))
    }
    return false
}

extension PublicKey {
    /// An Ed25519 key of the right form.
    package static func sample(_ byte: UInt8) throws -> PublicKey {
        try PublicKey(
            .okp(x: [UInt8](repeating: byte, count: 32)), keyID: "key-\(byte)", sha256: { $0 })
    }
}
