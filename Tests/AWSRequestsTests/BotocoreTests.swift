import AWSRequests
import Bytes
import Foundation
import HTTPMessages
import TestSupport
import Testing

private func expectSame(_ request: SignedRequest) throws {
    let answer = try #require(request.answer)
    let signed = try #require(request.signed())
    let path = try #require(request.target).text.split(separator: UInt8(ascii: "?")).first
    #expect(path?.description == answer.path, "\(request)")
    #expect(signed["X-Amz-Date"]?.description == answer.date, "\(request)")
    #expect(signed["Authorization"]?.description == answer.authorization, "\(request)")
    #expect(signed["X-Amz-Security-Token"]?.description == request.token, "\(request)")
}

@Suite struct BotocoreTests {
    @Test("What botocore signed is signed alike", arguments: Botocore.recorded)
    func recorded(_ request: SignedRequest) throws { try expectSame(request) }

    @Test("There are recorded requests with every difficulty")
    func isComplete() {
        let all = Botocore.recorded
        #expect(all.count >= 20)
        #expect(all.contains { $0.token != nil })
        #expect(all.contains { $0.body.utf8.count * $0.bodyRepeats > 200_000 })
        for mark in ["=", "@", "/", "+", " ", "%", "é"] {
            #expect(all.contains { $0.segments.joined().contains(mark) }, "\(mark)")
        }
    }
}

/// `USHER_BOTOCORE` names a Python that has botocore; `scripts/test` makes one.
@Suite(
    .enabled(
        if: Botocore.python != nil,
        "SKIPPED, NOT CHECKED: set USHER_BOTOCORE to a Python that has botocore"))
struct LiveBotocoreTests {
    @Test("The recorded requests are those of the script, and botocore still signs them so")
    func recordIsTrue() throws {
        let printed = String(decoding: try Botocore.run(), as: UTF8.self)
        #expect(try printed == Botocore.recordedText())
    }

    @Test("Requests made at random are signed as botocore signs them")
    func random() throws {
        var generator = SeededGenerator(seed: 14)
        let requests = (0..<500).map { _ in Self.request(&generator) }
        let printed = try Botocore.run(["-"], input: try JSONEncoder().encode(requests))
        let answered = try JSONDecoder().decode([SignedRequest].self, from: printed)
        #expect(answered.count == requests.count)
        for request in answered { try expectSame(request) }
    }

    private static func request(_ generator: inout SeededGenerator) -> SignedRequest {
        func text(_ counts: ClosedRange<Int>, from alphabet: String) -> String {
            let letters = Array(alphabet)
            return String(
                (0..<Int.random(in: counts, using: &generator)).map { _ in
                    letters.randomElement(using: &generator) ?? "x"
                })
        }
        func many(_ counts: ClosedRange<Int>, _ make: () -> [String]) -> [[String]] {
            (0..<Int.random(in: counts, using: &generator)).map { _ in make() }
        }
        let any = "aZ09-._~=@/+ %?#&:;é\u{301}ß中😀'\"\\\t\u{1}"
        var request = SignedRequest()
        request.method = ["GET", "POST", "DELETE", "PUT"].randomElement(using: &generator) ?? ""
        // An `x` before, so that it is never one of those that have no spelling.
        request.segments = many(0...4) { ["x" + text(0...12, from: any)] }.map { $0[0] }
        request.query = many(0...5) { [text(1...4, from: any), text(0...8, from: any)] }
        request.headers = many(0...4) {
            ["x-" + text(1...2, from: "abAB-"), text(0...9, from: "ab, \t=;/")]
        }
        request.body = text(0...40, from: any)
        request.seconds = Int64.random(in: 0...253_402_300_799, using: &generator)
        request.token = Bool.random(using: &generator) ? text(1...20, from: "aZ0/+=") : nil
        return request
    }
}
