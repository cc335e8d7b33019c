import AWSRequests
import Bytes
import Cryptography
import Foundation
import HTTPMessages

/// A request as Tests/Oracles/aws_vectors.py knows them, and what botocore makes of it.
struct SignedRequest: Codable, CustomStringConvertible {
    struct Answer: Codable {
        let path: String
        let date: String
        let authorization: String
    }

    var name: String?
    var method = "GET"
    var host = "example.eu-central-1.amazonaws.com"
    var segments: [String] = []
    var query: [[String]] = []
    var headers: [[String]] = []
    var body = ""
    var bodyRepeats = 1
    var region = "eu-central-1"
    var service = "execute-api"
    var seconds: Int64 = 0
    var keyID = "AKIDEXAMPLE"
    var secret = "not-a-secret"
    var token: String?
    var answer: Answer?

    var description: String { name ?? "\(segments) \(query) \(headers)" }

    var target: AWSTarget? {
        AWSTarget(
            segments: segments.map { ByteText($0) },
            query: query.map { (ByteText($0[0]), ByteText($0[1])) })
    }

    /// The fields that ours are sent with.
    func signed() -> HeaderFields? {
        guard let target else { return nil }
        let signer = RequestSigner(
            region: ByteText(region), service: ByteText(service), sha256: { Digest.sha256($0) },
            hmacSHA256: { HMACSHA256.tag($0, secret: $1) })
        let request = AWSRequest(
            method: ByteText(method), host: ByteText(host), target: target,
            headers: HeaderFields(headers.map { (ByteText($0[0]), ByteText($0[1])) }),
            body: Array(String(repeating: body, count: bodyRepeats).utf8))
        let credentials = AWSCredentials(
            accessKeyID: ByteText(keyID), secretAccessKey: ByteText(secret),
            sessionToken: token.map { ByteText($0) })
        return signer.sign(request, with: credentials, atSecondsSinceEpoch: seconds)
    }
}

/// Tests/Oracles/aws_vectors.py, and what it has said before.
enum Botocore {
    static let python = ProcessInfo.processInfo.environment["USHER_BOTOCORE"]

    private static let oracles = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Oracles")

    static let recorded: [SignedRequest] = {
        let file = oracles.appendingPathComponent("aws_vectors.json")
        guard let data = try? Data(contentsOf: file),
            let vectors = try? JSONDecoder().decode([SignedRequest].self, from: data)
        else { return [] }
        return vectors
    }()

    static func recordedText() throws -> String {
        try String(contentsOf: oracles.appendingPathComponent("aws_vectors.json"), encoding: .utf8)
    }

    /// What the script prints.
    static func run(_ arguments: [String] = [], input: Data = Data()) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python ?? "")
        process.arguments = [oracles.appendingPathComponent("aws_vectors.py").path] + arguments
        // Larger than a pipe holds.
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("usher-\(UUID().uuidString)")
        try input.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let output = Pipe()
        process.standardInput = try FileHandle(forReadingFrom: file)
        process.standardOutput = output
        try process.run()
        let printed = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
        return printed
    }
}
