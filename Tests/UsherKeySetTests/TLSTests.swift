import Foundation
import Testing
import UsherKeySet
import UsherVerifier

@Suite("TLS to the issuer")
struct TLSTests {
    /// `openssl s_server` with a certificate for localhost that nobody signed but itself.
    private final class Server {
        let folder = FileManager.default.temporaryDirectory.path + "/usher-\(UUID().uuidString)"
        private let process = Process()
        private(set) var port = ""

        init(answering bytes: [UInt8]) throws {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false)
            let make = Process()
            make.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            make.arguments = [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-keyout", "key", "-out", "certificate", "-days", "2", "-subj",
                "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            ]
            make.currentDirectoryURL = URL(fileURLWithPath: folder)
            make.standardError = FileHandle.nullDevice
            try make.run()
            make.waitUntilExit()
            try Data(bytes).write(to: URL(fileURLWithPath: folder + "/jwks.json"))
            try start()
        }

        private func start() throws {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [
                "openssl", "s_server", "-accept", "localhost:0", "-cert", "certificate", "-key",
                "key", "-HTTP",
            ]
            process.currentDirectoryURL = URL(fileURLWithPath: folder)
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            var text = ""
            while !text.contains("ACCEPT") || !text.hasSuffix("\n") {
                let piece = output.fileHandleForReading.availableData
                guard !piece.isEmpty else { throw CocoaError(.fileReadUnknown) }
                text += String(decoding: piece, as: UTF8.self)
            }
            let line = text.split(separator: "\n").first { $0.contains("ACCEPT") } ?? ""
            port = String(line.split(separator: ":").last ?? "")
        }

        deinit {
            // A child inherits that this thread holds SIGTERM back.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    @Test("Keys from a server whose certificate the system does not trust are not taken")
    func untrusted() async throws {
        let issuer = try Issuer()
        let head = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
        let server = try Server(answering: Array(head.utf8) + issuer.keySet)
        let keys = try RemoteKeySet(
            url: "https://localhost:\(server.port)/jwks.json", issuer: issuer.name,
            audience: "https://relay.example", algorithms: [.es256])
        let fault = await keys.fault()
        guard case .unreachable(let reason) = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
        #expect(!reason.isEmpty)
        #expect(await keys.rejection(of: try issuer.token()) == .keysUnavailable)
    }
}
