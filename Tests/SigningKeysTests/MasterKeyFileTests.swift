import Cryptography
import Foundation
import Locking
import Testing

@testable import SigningKeys

/// The error that `body` throws; nil where it throws none.
func masterKeyError<Result>(_ body: () throws(MasterKeyError) -> Result) -> MasterKeyError? {
    do throws(MasterKeyError) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}

extension KeyScratch {
    /// The lines of the master key's file.
    func masterLines() throws -> [String] {
        try String(contentsOfFile: master, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    /// Writes lines in place of those in the file.
    func writeMaster(_ lines: [String], mode: Int = 0o600) throws {
        try (lines.joined(separator: "\n") + "\n").write(
            toFile: master, atomically: false, encoding: .utf8)
        try setMode(mode, master)
    }

    func masterFile() throws(MasterKeyError) -> MasterKeyFile {
        try MasterKeyFile(path: master, allowsGroup: false)
    }
}

/// docs/operating.md, "Signing keys in the registry".
@Suite struct MasterKeyFileTests {
    private func scratch() throws -> KeyScratch {
        let scratch = try KeyScratch()
        _ = try MasterKeyFile.make(path: scratch.master)
        return scratch
    }

    @Test("A new file has mode 0600, one line of our own form, and an id that tells no secret")
    func making() throws {
        let scratch = try KeyScratch()
        let id = try MasterKeyFile.make(path: scratch.master)
        #expect(try scratch.mode(scratch.master) == 0o600)
        let lines = try scratch.masterLines()
        #expect(lines.count == 1)
        let parts = lines[0].split(separator: " ")
        #expect(parts.map(\.utf8.count) == [16, 19, 64])
        #expect(parts[0] == "usher-master-key")
        #expect(parts[1] == id.text)
        #expect(try scratch.masterFile().ids == [id])
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).count == 1)
        #expect(!"\(try scratch.masterFile().first)".contains(parts[2]))
        var dumped = ""
        dump(try scratch.masterFile().first, to: &dumped)
        #expect(dumped.contains(id.text))
        #expect(!dumped.contains("bytes"))
    }

    @Test("A file that is there is never written over")
    func exists() throws {
        let scratch = try scratch()
        let before = try scratch.masterLines()
        let error = masterKeyError { () throws(MasterKeyError) in
            try MasterKeyFile.make(path: scratch.master)
        }
        #expect(error == .exists(path: scratch.master))
        #expect(try scratch.masterLines() == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).count == 1)
        let nowhere = masterKeyError { () throws(MasterKeyError) in
            try MasterKeyFile.make(path: scratch.path + "/none/master.key")
        }
        #expect(
            nowhere == .unwritable(path: scratch.path + "/none/master.key", errorNumber: ENOENT))
    }

    @Test(
        "A file open to others is refused; to its group, unless that is allowed",
        arguments: [0o640, 0o604, 0o644, 0o660, 0o601])
    func tooOpen(_ mode: Int) throws {
        let scratch = try scratch()
        try scratch.setMode(mode, scratch.master)
        let found = masterKeyError { () throws(MasterKeyError) in try scratch.masterFile() }
        #expect(found == .tooOpen(path: scratch.master, mode: UInt32(mode)))
        #expect(found?.description.contains("chmod 600 \"\(scratch.master)\"") == true)
        let isGroups = mode & 0o007 == 0
        #expect(found?.description.contains("--keys-group-access") == isGroups)
        let allowed = masterKeyError { () throws(MasterKeyError) in
            try MasterKeyFile(path: scratch.master, allowsGroup: true)
        }
        #expect((allowed == nil) == isGroups)
    }

    @Test("What is no master key file is named, by its line")
    func refusals() throws {
        let scratch = try scratch()
        let path = scratch.master
        let (good, other) = (try scratch.masterLines()[0], MasterKey.generate())
        let otherLine = String(decoding: other.line.dropLast(), as: UTF8.self)
        func error(_ lines: [String]) throws -> MasterKeyError? {
            try scratch.writeMaster(lines)
            return masterKeyError { () throws(MasterKeyError) in try scratch.masterFile() }
        }
        #expect(try error([good]) == nil)
        #expect(try error([good, otherLine]) == nil)
        #expect(try error([]) == .empty(path: path))
        for line in [
            "rubbish", String(good.dropLast()), good + "0", good + "00", " " + good, good + " ",
            good.replacingOccurrences(of: "usher-", with: "Usher-"), good + "\r",
            String(repeating: "a", count: 64), good.replacingOccurrences(of: " ", with: "  "),
        ] {
            #expect(try error([line]) == .malformedLine(path: path, number: 1))
            #expect(try error([otherLine, line]) == .malformedLine(path: path, number: 2))
        }
        let flipped = good.dropLast() + (good.hasSuffix("0") ? "1" : "0")
        #expect(try error([String(flipped)]) == .damagedLine(path: path, number: 1))
        #expect(try error([good, good]) == .twice(path: path))
        #expect(try error([good, otherLine, good]) == .tooManyLines(path: path, count: 3))
        #expect(try error([String](repeating: good, count: 20)) == .tooLong(path: path))
        for error in [MasterKeyError.malformedLine(path: path, number: 1), .twice(path: path)] {
            #expect(!"\(error)".contains(good.suffix(20)))
        }
    }

    @Test("A missing file, a folder and a pipe are named, and nobody waits")
    func notAFile() throws {
        let scratch = try KeyScratch()
        func error() -> MasterKeyError? {
            masterKeyError { () throws(MasterKeyError) in try scratch.masterFile() }
        }
        #expect(error() == .missing(path: scratch.master))
        #expect(error()?.description.contains("usher key master new") == true)
        #expect(unsafe mkfifo(scratch.master, 0o600) == 0)
        #expect(error() == .notAFile(path: scratch.master))
        unsafe unlink(scratch.master)
        #expect(unsafe mkdir(scratch.master, 0o700) == 0)
        #expect(error() == .notAFile(path: scratch.master))
    }

    @Test("A new key is put before the one in use, once, and the file keeps its mode")
    func replacing() throws {
        let scratch = try scratch()
        let file = try MasterKeyFile(path: scratch.master, allowsGroup: true)
        let old = file.ids[0]
        try scratch.setMode(0o640, scratch.master)
        let step = try file.addKey()
        #expect(step.isNew)
        #expect(step.old == old)
        #expect(file.ids == [step.new, old])
        #expect(try scratch.masterLines().count == 2)
        #expect(try scratch.mode(scratch.master) == 0o640)
        let again = try file.addKey()
        #expect(!again.isNew)
        #expect((again.new, again.old) == (step.new, old))
        try file.dropOldKey(beside: old)
        #expect(file.ids == [step.new, old])
        try file.dropOldKey(beside: step.new)
        try file.dropOldKey(beside: step.new)
        #expect(file.ids == [step.new])
        #expect(try MasterKeyFile(path: scratch.master, allowsGroup: true).ids == [step.new])
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).count == 1)
    }

    @Test("An unknown id has the file read again, at most once a second")
    func rereading() throws {
        let scratch = try scratch()
        let clock = Lock<Int64>(0)
        let file = try MasterKeyFile(
            path: scratch.master, allowsGroup: false, milliseconds: { clock.withLock { $0 } })
        let old = file.ids[0]
        let lines = try scratch.masterLines()
        let other = MasterKey.generate()
        try scratch.writeMaster([String(decoding: other.line.dropLast(), as: UTF8.self)] + lines)
        clock.withLock { $0 = 999 }
        #expect(try file.key(other.id) == nil)
        clock.withLock { $0 = 1000 }
        #expect(try file.key(other.id)?.id == other.id)
        #expect(try file.key(old)?.id == old)
        unsafe unlink(scratch.master)
        clock.withLock { $0 = 2000 }
        for _ in 0..<2 {  // The trouble stays what it is until the next reading.
            let error = masterKeyError { () throws(MasterKeyError) in
                try file.key(MasterKeyID("mk_0"))
            }
            #expect(error == .missing(path: scratch.master))
        }
        #expect(try file.key(old)?.id == old)
    }
}
