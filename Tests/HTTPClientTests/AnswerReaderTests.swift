import Bytes
import HTTPMessages
import TestSupport
import Testing

@testable import HTTPClient

private let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/// Reads an answer in pieces of some length.
private func read(
    _ text: String, pieces: Int = .max, isToHead: Bool = false,
    _ change: (inout AnswerLimits) -> Void = { _ in }
) throws(AnswerFault) -> AnswerReader {
    var limits = AnswerLimits()
    change(&limits)
    var reader = AnswerReader(limits: limits, isToHead: isToHead)
    let bytes = Array(text.utf8)
    var at = 0
    while at < bytes.count {
        let end = min(bytes.count, at + min(pieces, bytes.count))
        try reader.take(Array(bytes[at..<end]))
        at = end
    }
    return reader
}

/// What became of bytes.
private struct Verdict: Equatable {
    var response: HTTPResponse?
    var fault: AnswerFault?
    var isWhole = false

    init(_ bytes: [UInt8], pieces: Int) {
        var reader = AnswerReader(limits: AnswerLimits(), isToHead: false)
        do {
            var rest = bytes[...]
            while !rest.isEmpty {
                try reader.take(Array(rest.prefix(pieces)))
                rest = rest.dropFirst(pieces)
            }
            isWhole = reader.end()
            response = reader.response
        } catch {
            fault = error
        }
    }
}

@Suite struct AnswerReaderTests {
    struct Good: CustomStringConvertible, Sendable {
        let text: String
        let status: Int
        var body = ""
        var keeps = true
        var isToHead = false
        /// Whether the answer is whole without the connection's end.
        var isWhole = true
        var description: String { String(text.prefix(60)) }
    }

    private static let good = [
        Good(text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", status: 200, body: "hello"),
        Good(text: "HTTP/1.1 404 \r\ncontent-length:0\r\n\r\n", status: 404),
        Good(text: "HTTP/1.1 200\r\nContent-Length: 0\t \r\n\r\n", status: 200),
        Good(text: chunked + "5\r\nhello\r\n0\r\n\r\n", status: 200, body: "hello"),
        Good(
            text: chunked + "005;a=\"b\"\r\nhello\r\nC;x\r\n, 0123456789\r\n0;last\r\nA: b\r\n\r\n",
            status: 200, body: "hello, 0123456789"),
        Good(text: chunked + "0\r\n\r\n", status: 200),
        Good(text: "HTTP/1.1 204 No Content\r\n\r\n", status: 204),
        Good(text: "HTTP/1.1 204 \r\nContent-Length: 5\r\n\r\n", status: 204, keeps: false),
        Good(text: "HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n", status: 304),
        Good(
            text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", status: 200, isToHead: true),
        Good(
            text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", status: 200,
            isToHead: true),
        Good(
            text: "HTTP/1.1 103 \r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                + "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", status: 201, body: "ok"),
        Good(
            text: "HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 2\r\n\r\nok",
            status: 200, body: "ok", keeps: false),
        Good(
            text: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
            status: 200, body: "ok", keeps: false),
        Good(
            text: "HTTP/1.1 200 OK\r\n\r\nuntil the end", status: 200, body: "until the end",
            keeps: false, isWhole: false),
    ]

    @Test("Answers are read alike however they are cut", arguments: good)
    func reads(_ good: Good) throws {
        for pieces in [1, 2, 3, 7, Int.max] {
            var reader = try read(good.text, pieces: pieces, isToHead: good.isToHead)
            #expect(reader.isComplete == good.isWhole)
            let isWhole = reader.end()
            #expect(isWhole)
            #expect(reader.response.status == good.status)
            #expect(String(decoding: reader.response.body, as: UTF8.self) == good.body)
            #expect(reader.keepsConnection == good.keeps, "\(pieces)")
        }
    }

    @Test("Fields are those of the last head, and none of the trailers")
    func fields() throws {
        let reader = try read(
            "HTTP/1.1 103 \r\nEarly: 1\r\n\r\nHTTP/1.1 200 OK\r\nX:  a b \t\r\nx: \r\n"
                + "Transfer-Encoding: Chunked\r\n\r\n0\r\nLate: 1\r\n\r\n")
        #expect(reader.response.headers.values("X") == ["a b", ""])
        #expect(reader.response.headers.fields.count == 3)
    }

    @Test("Bytes that are no UTF-8 are taken in a value, and replaced")
    func notUTF8() throws {
        var reader = AnswerReader(limits: AnswerLimits(), isToHead: false)
        try reader.take(
            Array("HTTP/1.1 204 \r\nX: ".utf8) + [0xFF] + Array("\r\n\r\n".utf8))
        #expect(reader.response.headers["X"] == "\u{FFFD}")
    }

    @Test("What comes behind an answer costs the connection, and nothing else")
    func behind() throws {
        let two = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        let reader = try read(two + two)
        #expect(reader.isComplete)
        #expect(reader.response.body == Array("ok".utf8))
        #expect(!reader.keepsConnection)
    }

    @Test(
        "An answer that ends too soon is not whole",
        arguments: [
            "", "HTTP", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
            "HTTP/1.1 100 Continue\r\n\r\n", chunked, chunked + "5\r\nhello",
            chunked + "5\r\nhello\r\n0\r\n", chunked + "5\r\nhello\r\n0\r\nA: b\r\n",
        ])
    func short(_ text: String) throws {
        var reader = try read(text)
        let isWhole = reader.end()
        #expect(!isWhole)
        #expect(reader.hasBegun == !text.utf8.isEmpty)
    }

    struct Bad: CustomStringConvertible, Sendable {
        let text: String
        let fault: AnswerFault
        var description: String { "\(fault): \(text.suffix(60))" }

        init(_ fault: AnswerFault, _ text: String) {
            self.text = text
            self.fault = fault
        }

        static func field(_ fault: AnswerFault, _ field: String) -> Bad {
            Bad(fault, "HTTP/1.1 200 OK\r\n\(field)\r\n\r\n")
        }
    }

    private static let bad: [Bad] = [
        Bad(.statusLine, "\r\nHTTP/1.1 200 OK\r\n"), Bad(.statusLine, "HTTP/2 200 OK\r\n"),
        Bad(.statusLine, "HTTP/1.1 2000\r\n"), Bad(.statusLine, "HTTP/1.1 20\r\n"),
        Bad(.statusLine, "HTTP/1.1 +20 \r\n"), Bad(.statusLine, "HTTP/1.1 099 \r\n"),
        Bad(.statusLine, "HTTP/1.1 600 \r\n"), Bad(.statusLine, "HTTP/1.1 200 a\u{0}b\r\n"),
        Bad(.statusLine, "HTTP/1.1  200 OK\r\n"), Bad(.statusLine, "\u{16}\u{3}\u{1}\r\n"),
        Bad(.statusLine, "SSH-2.0-OpenSSH_9.2\r\n"),
        Bad(.newline, "HTTP/1.1 200 OK\n"), Bad(.newline, "HTTP/1.1 200 OK\r\nA: b\n\r\n"),
        Bad(.newline, "HTTP/1.1 200 OK\r\n\n"),
        .field(.field, "no colon"), .field(.field, "space : before"), .field(.field, ": none"),
        .field(.field, " folded"), .field(.field, "A: b\u{1}"), .field(.field, "A: b\rc"),
        Bad(.upgrade, "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        .field(.length, "Content-Length: 5, 5"), .field(.length, "Content-Length: +5"),
        .field(.length, "Content-Length: 0x5"), .field(.length, "Content-Length:"),
        .field(.length, "Content-Length: 5\r\nContent-Length: 5"),
        .field(.length, "Content-Length: 99999999999999999999"),
        .field(.bodyTooLarge, "Content-Length: 99999999999"),
        .field(.lengthAndCoding, "Content-Length: 5\r\nTransfer-Encoding: chunked"),
        .field(.coding, "Transfer-Encoding: gzip, chunked"),
        .field(.coding, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        .field(.coding, "Transfer-Encoding: identity"), .field(.coding, "Transfer-Encoding:"),
        Bad(.coding, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Bad(.newline, chunked + "5\nhello\r\n0\r\n\r\n"),
        Bad(.newline, chunked + "5;a\nb\r\n"), Bad(.newline, chunked + "0\r\n\n"),
        Bad(.chunkSize, chunked + "\r\n"), Bad(.chunkSize, chunked + "g\r\n"),
        Bad(.chunkSize, chunked + "-1\r\n"), Bad(.chunkSize, chunked + "0x5\r\n"),
        Bad(.chunkSize, chunked + " 5\r\n"), Bad(.chunkSize, chunked + "5 \r\n"),
        Bad(.chunkSize, chunked + "+5\r\n"), Bad(.chunkSize, chunked + "00000000000000005\r\n"),
        Bad(.chunkSize, chunked + "FFFFFFFFFFFFFFFF\r\n"),
        Bad(.bodyTooLarge, chunked + "7FFFFFFFFFFFFFFF\r\n"),
        Bad(.chunkExtension, chunked + "5;a\u{1}\r\n"),
        Bad(.chunkExtension, chunked + "5;a\rb\r\n"),
        Bad(.chunkEnd, chunked + "5\r\nhello!\r\n"),
        Bad(.chunkEnd, chunked + "5\r\nhello0\r\n\r\n"),
        Bad(.newline, chunked + "5\r\nhello\n0\r\n\r\n"),
        Bad(.field, chunked + "0\r\nno field\r\n\r\n"),
    ]

    @Test("What is no answer is refused, however it is cut", arguments: bad)
    func refuses(_ bad: Bad) {
        for pieces in [1, 2, 5, Int.max] {
            #expect(throws: bad.fault) { _ = try read(bad.text, pieces: pieces) }
        }
    }

    @Test("Whatever comes, the verdict is the same however it is cut")
    func anything() {
        var generator = SeededGenerator(seed: 26)
        let marks = Array("\r\n:;0 5fCaHT/1.x\t\u{0}é".utf8)
        var whole = 0
        for round in 0..<4000 {
            var bytes = Array(Self.good[round % Self.good.count].text.utf8)
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                let mark = marks.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0...2, using: &generator) {
                case 0: bytes[at] = mark
                case 1: bytes.insert(mark, at: at)
                default: bytes.remove(at: at)
                }
            }
            let one = Verdict(bytes, pieces: 1)
            #expect(one == Verdict(bytes, pieces: 3) && one == Verdict(bytes, pieces: .max))
            whole += one.isWhole ? 1 : 0
        }
        #expect((1000..<4000).contains(whole), "\(whole)")
    }

    @Test("Head, interim heads, trailers and chunk extensions share one limit")
    func headLimit() throws {
        func fault(_ text: String) -> AnswerFault? {
            do throws(AnswerFault) {
                _ = try read(text, pieces: 10) { $0.headBytesMax = 200 }
                return nil
            } catch { return error }
        }
        let head = "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 100))\r\n\r\n"
        #expect(fault(head) == nil)
        let long = String(repeating: "x", count: 200)
        #expect(fault("HTTP/1.1 200 OK\r\nX: " + long) == .headTooLarge)
        #expect(fault(String(repeating: "HTTP/1.1 100 \r\n\r\n", count: 20)) == .headTooLarge)
        #expect(fault(chunked + String(repeating: "1\r\nx\r\n", count: 300)) == nil)
        #expect(
            fault(chunked + String(repeating: "1;abcdefgh\r\nx\r\n", count: 30))
                == .chunkExtension)
        #expect(fault(chunked + "1;" + String(repeating: "x", count: 300)) == .chunkExtension)
        let trailers = String(repeating: "a: b\r\n", count: 40)
        #expect(fault(chunked + "0\r\n" + trailers) == .headTooLarge)
    }

    @Test("Fields are counted, trailers among them")
    func fieldLimit() throws {
        let three = "A: 1\r\nB: 2\r\nTransfer-Encoding: chunked\r\n"
        let answer = "HTTP/1.1 200 OK\r\n\(three)\r\n0\r\nC: 4\r\n\r\n"
        #expect(try read(answer) { $0.fieldsMax = 4 }.isComplete)
        #expect(throws: AnswerFault.tooManyFields) { try read(answer) { $0.fieldsMax = 3 } }
    }

    @Test(
        "A body is bounded, however its length is told",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef", "HTTP/1.1 200 OK\r\n\r\nabcdef",
            chunked + "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
        ])
    func bodyLimit(_ text: String) throws {
        for pieces in [1, 100] {
            var reader = try read(text, pieces: pieces) { $0.bodyBytesMax = 6 }
            let isWhole = reader.end()
            #expect(isWhole)
            #expect(throws: AnswerFault.bodyTooLarge) {
                try read(text, pieces: pieces) { $0.bodyBytesMax = 5 }
            }
        }
    }
}
