package import Bytes
package import Clients
package import Foundation
internal import Identifiers
import Locking
package import RegistryOnSQLite

/// A folder of one test's own, gone when the test is over.
package final class RegistryFolder {
    package let url: URL
    package let path: String

    package init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("usher-registry-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        path = url.appendingPathComponent("data/registry.sqlite").path
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    package func open(mustExist: Bool = false) throws -> RegistryOnSQLite {
        try RegistryOnSQLite(path: path, mustExist: mustExist)
    }

    /// Opens and closes the registry, so that the file alone holds everything.
    package func make(with clients: [Client] = []) throws {
        let registry = try open()
        for client in clients { try registry.add(client) }
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
