import Foundation

/// A program of the system that the doctor asks, where it is installed.
enum Tool {
    enum Outcome {
        /// What it wrote to stdout, where it ended with 0.
        case done([UInt8])
        /// The last line of its complaint.
        case failed(String)
        case missing
    }

    /// Runs it to its end, with nothing on stdin.
    static func run(_ name: String, _ arguments: [String]) -> Outcome {
        let folders = (Environment.variables["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        let path = folders.map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let path else { return .missing }
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        do {
            try process.run()
        } catch {
            return .failed("\(path) could not be started")
        }
        let said = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let lines = String(decoding: complaint, as: UTF8.self).split(separator: "\n")
            return .failed(Printable.text(lines.last.map(String.init) ?? "\(name) failed"))
        }
        return .done([UInt8](said))
    }
}
