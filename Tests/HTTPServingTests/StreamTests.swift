import Bytes
import Glibc
import HTTPMessages
import HTTPServing
import Synchronization
import Testing

/// Bodies that go on.
@Suite struct StreamTests {
    private final class Pieces: Sendable {
        let count = Atomic(0)
        let countMax: Int

        init(max countMax: Int) { self.countMax = countMax }

        @Sendable func next() -> [UInt8]? {
            let number = count.wrappingAdd(1, ordering: .relaxed).newValue
            return number <= countMax ? Array("piece \(number);".utf8) : nil
        }
    }

    private func serve(
        _ pieces: Pieces, with change: (inout HTTPServerConfiguration) -> Void = { _ in }
    ) throws -> HTTPServer {
        try HTTPServingTests.serve(with: change) { request in
            guard request.path == "/stream" else { return .response(.text(200, "other")) }
            return .stream(
                headers: HeaderFields([("Content-Type", "text/event-stream")]), next: pieces.next)
        }
    }

    private func begin(_ server: HTTPServer) throws -> RawClient {
        let client = try RawClient(server)
        client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        return client
    }

    /// One chunk of the body (RFC 9112 §7.1).
    private func expectChunk(_ text: String, from client: RawClient) throws {
        let frame = "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
        #expect(String(decoding: try client.bytes(frame.utf8.count), as: UTF8.self) == frame)
    }

    @Test("Pieces come one after another until there are no more, and then the connection ends")
    func pieces() throws {
        let client = try begin(try serve(Pieces(max: 2)))
        let answer = try client.answer()
        #expect(answer.status == 200)
        #expect(answer.headers["Content-Type"] == "text/event-stream")
        #expect(answer.headers["X-Content-Type-Options"] == "nosniff")
        try expectChunk("piece 1;", from: client)
        try expectChunk("piece 2;", from: client)
        #expect(try client.bytes(5) == Array("0\r\n\r\n".utf8))
        #expect(client.isClosedByServer())
    }

    @Test("Streams hold no thread: others are answered meanwhile")
    func holdsNoThread() throws {
        let server = try serve(Pieces(max: .max)) { $0.threads = 1 }
        let streams = try (0..<8).map { _ in try begin(server) }
        for stream in streams { #expect(try stream.answer().status == 200) }
        let other = try RawClient(server)
        other.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try other.answer().text == "other")
    }

    @Test("Stopping ends streams, and waits for none")
    func stop() throws {
        let server = try serve(Pieces(max: .max))
        let client = try begin(server)
        _ = try client.answer()
        try expectChunk("piece 1;", from: client)
        server.stop()
        #expect(server.requestsInFlight == 0)
    }

    @Test("A client that hangs up ends its stream, and nothing asks for pieces any more")
    func hangUp() throws {
        let pieces = Pieces(max: .max)
        let server = try serve(pieces)
        var client: RawClient? = try begin(server)
        _ = try client?.answer()
        client = nil
        for _ in 0..<1000 where server.requestsInFlight > 0 { usleep(20_000) }
        #expect(server.requestsInFlight == 0)
        let count = pieces.count.load(ordering: .relaxed)
        usleep(1_200_000)
        #expect(pieces.count.load(ordering: .relaxed) == count)
    }

    @Test("A stream outlives the time that a request may take")
    func outlives() throws {
        let server = try serve(Pieces(max: 5)) { $0.requestSecondsMax = 1 }
        let client = try begin(server)
        _ = try client.answer()
        for number in 1...5 { try expectChunk("piece \(number);", from: client) }
    }
}
