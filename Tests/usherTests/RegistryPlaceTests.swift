import Bytes
import Foundation
import Testing

@testable import usher

/// docs/configuration.md, *Places*: `registry`.
@Suite struct RegistryPlaceTests {
    private func place(
        flag: String? = nil, variable: String? = nil
    ) throws(SettingError) -> RegistryPlace {
        let values = try SettingValues(
            flags: ["registry": flag.asTexts],
            environment: variable.map { ["USHER_REGISTRY": $0] } ?? [:])
        return try RegistryPlace(values, data: "/data")
    }

    private func error(flag: String? = nil, variable: String? = nil) throws -> SettingError {
        try #require(throws: SettingError.self) { try place(flag: flag, variable: variable) }
    }

    private func file(_ text: String) throws -> String {
        let path = NSTemporaryDirectory() + "registry-\(UUID().uuidString)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test("Without it the registry lies in the data folder")
    func folder() throws {
        #expect("\(try place())" == "/data/usher.sqlite")
    }

    @Test(
        "A URL, keywords and a service name a database, shown without what is secret",
        arguments: [
            ("postgresql://usher@db.example:5433/meet", "postgresql://usher@db.example:5433/meet"),
            ("postgres://db.example/meet?sslmode=verify-full", "postgresql://db.example/meet"),
            ("host=db.example dbname=meet", "postgresql://db.example/meet"),
            ("service=usher", "service=usher"),
        ])
    func database(text: String, shown: String) throws {
        #expect("\(try place(flag: text))" == shown)
        #expect("\(try place(variable: text))" == shown)
        let path = try file("\u{FEFF}\(text)\r\n")
        #expect("\(try place(flag: path))" == shown)
    }

    @Test(
        "A password never stands in an argument, in a variable or a file it may",
        arguments: [
            "postgresql://usher:hunter2hunter2@db.example/meet",
            "postgresql://usher@db.example/meet?password=hunter2hunter2",
            "host=db.example password=hunter2hunter2",
        ])
    func password(text: String) throws {
        let refusal = try error(flag: text)
        #expect(refusal.place == "--registry")
        #expect(!"\(refusal)".contains("hunter2"))
        #expect("\(refusal)".contains("PGPASSFILE"))
        let path = try file(text)
        for place in [try place(variable: text), try place(flag: path)] {
            #expect(!"\(place)".contains("hunter2"))
        }
    }

    @Test("What names no database is refused, and not repeated where it may hold a password")
    func malformed() throws {
        let texts = [
            "postgresql://u:hunter2@[::1/meet", "nosuch=hunter2", "host='hunter2",
            " postgresql://u:hunter2@h/d", "\"postgresql://u:hunter2@h/d\"",
            "POSTGRESQL://u:hunter2@h/d", "jdbc:postgresql://h/d?password=hunter2",
            "postgresql://u:/hunter2@h/d", "postgresql://u:12/hunter2@h/d",
            "postgresql://u:p@w/hunter2@h/d",
        ]
        for text in texts {
            for refusal in [try error(flag: text), try error(variable: text)] {
                #expect(!"\(refusal)".contains("hunter2"), "\(refusal)")
            }
        }
        #expect(throws: SettingError.self) {
            try RegistryPlace.argument("psql://u:hunter2@h/d", place: "TO")
        }
        let nowhere = try error(flag: "/nowhere/registry")
        #expect("\(nowhere)".contains("/nowhere/registry"))
        #expect("\(try error(flag: NSTemporaryDirectory()))".contains("--data"))
        for content in ["", "one\ntwo", "hunter2", "postgresql://a\npostgresql://b"] {
            #expect(!"\(try error(flag: try file(content)))".contains("hunter2"))
        }
    }

    @Test("An argument is a folder, a database, or a file that names one")
    func argument() throws {
        let folder = try RegistryPlace.argument("/var/lib/usher", place: "FROM")
        #expect("\(folder)" == "/var/lib/usher/usher.sqlite")
        let database = try RegistryPlace.argument("service=usher", place: "TO")
        #expect("\(database)" == "service=usher")
        let odd = NSTemporaryDirectory() + "registry@\(UUID().uuidString)"
        #expect(throws: SettingError.self) { try RegistryPlace.argument(odd, place: "TO") }
        try FileManager.default.createDirectory(atPath: odd, withIntermediateDirectories: false)
        #expect("\(try RegistryPlace.argument(odd, place: "TO"))" == odd + "/usher.sqlite")
        let path = try file("service=usher")
        #expect("\(try RegistryPlace.argument(path, place: "TO"))" == "service=usher")
    }
}
