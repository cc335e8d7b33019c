import Files
import Foundation
import Glibc
import Testing

@testable import SessionShelf

/// A data folder that is gone when the test ends, and a look into it.
final class Shelves {
    let data: String

    init() throws {
        data = NSTemporaryDirectory() + "usher-shelf-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: data, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: data) }

    var file: String { data + "/sessions.shelf" }
    var draft: String { data + "/.sessions.shelf.new" }
    var lock: String { data + "/relay.lock" }

    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: data).sorted()
    }

    func place(_ bytes: [UInt8], _ path: String, mode: Int = 0o600) {
        #expect(
            FileManager.default.createFile(
                atPath: path, contents: Data(bytes), attributes: [.posixPermissions: mode]))
    }

    func content(_ path: String) -> [UInt8]? {
        FileManager.default.contents(atPath: path).map(Array.init)
    }

    func mode(_ path: String) -> mode_t {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    /// The shelf on a disk that gives files or folders up with EIO.
    func failing(_ kind: mode_t) throws -> ShelfFile {
        let folder = try OpenFolder(path: data) { descriptor in
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != kind else {
                errno = EIO
                return -1
            }
            return fsync(descriptor)
        }
        return try ShelfFile(in: folder, node: nil, allowsGroup: false)
    }
}

/// The error that `body` throws; nil where it throws none.
func shelfError<Result: ~Copyable>(_ body: () throws(ShelfError) -> Result) -> ShelfError? {
    do throws(ShelfError) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}

/// Runs a program to its end; nil where it is not there.
@discardableResult func run(_ words: String...) -> Int32? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    process.waitUntilExit()
    return process.terminationStatus
}
