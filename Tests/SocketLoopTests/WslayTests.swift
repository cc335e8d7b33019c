import Foundation
import SocketLoop
import TestSupport
import Testing
import WebSocket

/// `Tests/Oracles/wslay_echo.c`, which answers streams as our echo would, through another's codec.
enum Wslay {
    static let program = ProcessInfo.processInfo.environment["USHER_WSLAY_ECHO"]
    /// How many times 500 streams are compared.
    static let rounds =
        ProcessInfo.processInfo.environment["USHER_WSLAY_ROUNDS"].flatMap { UInt64($0) } ?? 4
    static let comment: Comment =
        "SKIPPED, NOT CHECKED: set USHER_WSLAY_ECHO to a built Tests/Oracles/wslay_echo.c"

    /// What a server that is built on wslay sends for each of these streams.
    static func answers(to streams: [[UInt8]], messageBytesMax: Int) throws -> [[UInt8]] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(program))
        process.arguments = [String(messageBytesMax)]
        let folder = FileManager.default.temporaryDirectory
        let file = folder.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(streams.flatMap { framed($0) }).write(to: file)
        process.standardInput = try FileHandle(forReadingFrom: file)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        var rest = Array(output.fileHandleForReading.readDataToEndOfFile())[...]
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        var answers: [[UInt8]] = []
        while rest.count >= 4 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            answers.append(Array(rest.dropFirst(4).prefix(length)))
            rest = rest.dropFirst(4 + length)
        }
        try #require(answers.count == streams.count)
        return answers
    }

    private static func framed(_ stream: [UInt8]) -> [UInt8] {
        stride(from: 24, through: 0, by: -8).map { UInt8(stream.count >> $0 & 0xff) } + stream
    }
}

/// Random streams, whole and broken, get the same answers from us as from the library wslay.
///
/// Known differences, which the streams avoid or the comparison overlooks:
/// - Our close frames bear a reason of their own, and none in answer to the peer's.
/// - wslay (1.1.1) refuses the close codes 1012 to 1014, which IANA registered after it was made.
/// - It takes a close frame of one byte, and a reason that is no UTF-8 (RFC 6455 §5.5.1, §8.1).
/// - Where a frame is both too long and out of turn, we say 1009 and wslay 1002.
/// - We refuse a frame at the first byte that can't stand, wslay once its header is whole, so each
///   stream ends in enough bytes to make it whole.
@Suite(.enabled(if: Wslay.program != nil, Wslay.comment))
struct WslayTests {
    private static let messageBytesMax = 70_000

    @Test("Random frames get the answers that wslay gives", arguments: 0..<Wslay.rounds)
    func sameAnswers(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let streams = (0..<500).map { _ in HostileStream.make(using: &random) }
        let expected = try Wslay.answers(to: streams, messageBytesMax: Self.messageBytesMax)
        let harness = try Harness {
            $0.messageBytesMax = Self.messageBytesMax
            $0.echoesBinary = true
        }
        for (name, (stream, answer)) in zip(streams, expected).enumerated() {
            let client = try harness.connect(name, overUnixPair: true)
            var rest = stream[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...max(1, stream.count), using: &random))
                client.send(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            client.endSending()
            let ours = try client.hearAll().filter { $0 != .end && $0 != .reset }.map(withoutReason)
            let theirs = try frames(answer).map(withoutReason)
            guard ours != theirs, !isKnown(ours, theirs) else { continue }
            Issue.record("stream \(stream.prefix(400)) gave \(ours), and with wslay \(theirs)")
            return
        }
    }

    /// Whether the two differ at the end alone, in one of the known ways.
    private func isKnown(_ ours: [Heard], _ theirs: [Heard]) -> Bool {
        guard ours.dropLast() == theirs.dropLast(), case .close(let theirs, _) = theirs.last,
            case .close(let ours, _) = ours.last
        else { return false }
        switch (ours, theirs) {
        case (1009, 1002), (1012, 1002), (1013, 1002), (1014, 1002): return true
        case (1002, nil), (1007, nil): return true
        case (1007, .some(let code)): return ![1002, 1007, 1009].contains(code)
        default: return false
        }
    }

    private func withoutReason(_ heard: Heard) -> Heard {
        if case .close(let code, _) = heard { return .close(code, "") }
        return heard
    }

    /// Reads server frames as a client does.
    private func frames(_ bytes: [UInt8]) throws -> [Heard] {
        let (client, server) = TestClient.pair()
        let writer = TestThread {
            _ = sendAll(bytes, to: server)
            close(server)
        }
        defer { writer.wait() }
        return try client.hearAll().filter { $0 != .end && $0 != .reset }
    }
}

/// What a client may send, rightly or not.
enum HostileStream {
    static func make(using random: inout SeededGenerator) -> [UInt8] {
        var stream: [UInt8] = []
        var isInMessage = false
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            var frame = frame(&isInMessage, &random)
            if Int.random(in: 0..<12, using: &random) == 0 { spoil(&frame, &random) }
            stream += frame
        }
        // Enough to make a header whole, or a payload whose length was spoilt by a little.
        return stream + Frame.masked(.ping, Array(repeating: 0x2e, count: 100))
    }

    private static func frame(
        _ isInMessage: inout Bool, _ random: inout SeededGenerator
    ) -> [UInt8] {
        let payload = payload(&random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return Frame.masked(.ping, Array(payload.prefix(125)))
        case 1: return Frame.masked(.pong, Array(payload.prefix(125)))
        case 2: return close(&random)
        default:
            let isWrong = Int.random(in: 0..<25, using: &random) == 0
            let isFinal = Bool.random(using: &random)
            let opcode: FrameHeader.Opcode =
                isInMessage != isWrong
                ? .continuation : Bool.random(using: &random) ? .text : .binary
            isInMessage = !isFinal
            return Frame.masked(
                opcode, payload, isFinal: isFinal,
                mask: (0..<4).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
    }

    private static func payload(_ random: inout SeededGenerator) -> [UInt8] {
        let letters = ["a", "é", "€", "𝄞", "\u{7ff}", "\u{ffff}", "\u{10ffff}"]
        let longest = [0, 5, 30, 30, 30, 300, 300, 20_000].randomElement(using: &random) ?? 0
        let count = Int.random(in: 0...longest, using: &random)
        let letter = letters.randomElement(using: &random) ?? "a"
        var bytes = Array(repeating: Array(letter.utf8), count: count).flatMap { $0 }
        switch Int.random(in: 0..<15, using: &random) {
        case 0 where !bytes.isEmpty:
            let place = Int.random(in: bytes.indices, using: &random)
            bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes += [0xe2, 0x82]
        case 2: bytes = [0xac] + bytes
        default: break
        }
        return bytes
    }

    private static func close(_ random: inout SeededGenerator) -> [UInt8] {
        let codes: [UInt16] = [
            0, 999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1015, 1016, 2999, 3000, 4999,
            5000, 65_535,
        ]
        let code = codes.randomElement(using: &random) ?? 1000
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return Frame.masked(.close, [])
        case 1: return Frame.masked(.close, [3])
        case 2: return Frame.close(code, [0xff])
        case 3: return Frame.close(code, Array(repeating: 0x2e, count: 123))
        default: return Frame.close(code)
        }
    }

    /// Changes a bit of the header, a byte anywhere, or the length.
    private static func spoil(_ frame: inout [UInt8], _ random: inout SeededGenerator) {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: frame[0] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: frame[1] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2:
            let place = Int.random(in: frame.indices, using: &random)
            frame[place] = UInt8.random(in: 0...255, using: &random)
        default:
            let count = Bool.random(using: &random) ? 2 : 8
            let length = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            frame = [frame[0], count == 2 ? 0xfe : 0xff] + length + frame.dropFirst(2)
        }
    }
}
