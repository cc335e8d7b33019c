import AWSRequests
import ArgumentParser
import Bytes
import Clients
import Foundation

/// What the process was started with.
enum Environment {
    static var variables: [String: String] { ProcessInfo.processInfo.environment }

    /// `$USHER_DATA`, or `~/.local/share/usher`.
    static var defaultDataFolder: String {
        let home = variables["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "."
        return home + "/.local/share/usher"
    }

    /// The folder of a command other than `serve`.
    static func dataFolder(_ flag: String?) -> String {
        flag ?? variables["USHER_DATA"].flatMap { $0.isEmpty ? nil : $0 } ?? defaultDataFolder
    }

    /// What was set by flags, by variables, and in the file that `--config` or `USHER_CONFIG`
    /// names.
    static func settings(
        _ flags: [ByteText: [String]]..., file flag: String?
    ) throws(SettingError) -> SettingValues {
        try SettingValues(
            flags: flags.reduce(into: [:]) { $0.merge($1) { first, _ in first } },
            environment: variables, file: try configuration(at: flag))
    }

    private static func configuration(
        at flag: String?
    ) throws(SettingError) -> (path: String, content: [UInt8])? {
        let variable = variables["USHER_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        guard let path = flag ?? variable else { return nil }
        do {
            return (path, [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
        } catch {
            throw SettingError(
                place: flag == nil ? "USHER_CONFIG" : "--config", value: path,
                expected: "a file that can be read")
        }
    }

    /// All of the text on stdin, up to `bytesMax` bytes; nil when there is more.
    static func standardInput(bytesMax: Int) -> [UInt8]? {
        guard let data = try? FileHandle.standardInput.read(upToCount: bytesMax + 1) else {
            return []
        }
        return data.count <= bytesMax ? TextFile.withoutMark([UInt8](data)) : nil
    }
}

/// A command's failure, as the person at the terminal reads it.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Runs a command and says on stderr why it failed: exit code 64 for a wrong argument or setting, 1
/// otherwise.
func report(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let error as SettingError {
        complain("\(error)")
        throw ExitCode(64)
    } catch let error as AWSSetup.Fault {
        complain("\(error)")
        throw ExitCode(64)
    } catch let error as RegistrationError {
        let places: [ByteText: String] = [
            "name": "NAME", "key": "--assertion-keys", "legacy_secret": "--legacy-hs256",
        ]
        let place = places[error.member] ?? "--\(error.member)"
        complain("\(place) is \"\(error.value)\": expected \(error.expected)")
        throw ExitCode(64)
    } catch let error as ExitCode {
        throw error
    } catch {
        complain("\(error)")
        throw ExitCode(1)
    }
}
