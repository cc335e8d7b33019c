import Bytes
import Foundation
import StrictJSON
import Testing

/// The files of Project Wycheproof. They are third-party data and not part of this repository.
enum Wycheproof {
    /// `$USHER_WYCHEPROOF`, or `../shared/vectors/wycheproof` seen from the package.
    static let folder: String = {
        if let path = ProcessInfo.processInfo.environment["USHER_WYCHEPROOF"] { return path }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        return package.appendingPathComponent("../shared/vectors/wycheproof").path
    }()

    static let isThere = FileManager.default.fileExists(
        atPath: folder + "/json_web_signature_test.json")

    static let comment: Comment =
        "SKIPPED, NOT CHECKED: no Wycheproof vectors; set USHER_WYCHEPROOF to their folder"

    struct Group {
        let members: JSONObject
        let tests: [JSONObject]
    }

    static func groups(_ file: String) throws -> [Group] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file).json"))
        let limits = JSONLimits(bytesMax: 1 << 24, depthMax: 32, membersMax: 1 << 16)
        let value = try JSONValue.parse(Array(data), limits: limits)
        let groups = try #require(value.object?["testGroups"]?.array)
        return groups.compactMap { group in
            guard let members = group.object, let tests = members["tests"]?.array else {
                return nil
            }
            return Group(members: members, tests: tests.compactMap(\.object))
        }
    }
}

extension JSONObject {
    func text(_ name: String) throws -> String {
        try #require(self[ByteText(name)]?.string?.string)
    }
    func number(_ name: String) throws -> Int { try Int(#require(self[ByteText(name)]?.int64)) }

    func hex(_ name: String) throws -> [UInt8] {
        let digits = try text(name).map { try #require($0.hexDigitValue) }
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }
}
