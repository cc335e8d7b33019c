import Bytes
import Cryptography
import StrictJSON
import Testing
import Tokens
import UsherKeySet
import UsherVerifier

@Suite("Fetching a key set (docs/conformance.md, JWKS transport)")
struct TransportTests {
    private let issuer: Issuer
    private let source: HTTPSource

    init() throws {
        issuer = try Issuer()
        source = try HTTPSource()
    }

    /// What the set says of an answer, after it had a good one; a good token stays good.
    private func fault(timeoutSeconds: Double = 60, _ answer: () -> Void) async throws
        -> KeySetFault?
    {
        defer { source.stop() }
        source.answer(issuer.keySet)
        let clock = TestClock()
        let keys = try issuer.keys(at: source, clock: clock, timeoutSeconds: timeoutSeconds)
        while await keys.fault() != nil {}  // A busy machine may miss a short deadline.
        #expect(await keys.rejection(of: try issuer.token()) == nil)
        answer()
        clock.advance(31)
        let fault = await keys.fault()
        #expect(await keys.rejection(of: try issuer.token(id: "t2")) == nil)
        #expect(keys.status.lastFault == fault)
        #expect(keys.status.condition == .current)
        return fault
    }

    @Test("The first token fetches the set, later ones do not")
    func first() async throws {
        defer { source.stop() }
        source.answer(issuer.keySet)
        let keys = try issuer.keys(at: source)
        #expect(keys.status.condition == .unavailable)
        for number in 0..<20 {
            #expect(await keys.rejection(of: try issuer.token(id: "t\(number)")) == nil)
        }
        #expect(source.requests.count == 1)
        let head = try #require(source.requests.first)
        #expect(head.hasPrefix("GET /jwks.json HTTP/1.1\r\n"))
        #expect(head.contains("Accept: application/jwk-set+json, application/json\r\n"))
        let status = keys.status
        #expect(status.condition == .current && status.keyCount == 1 && status.fetchCount == 1)
        #expect(status.ageSeconds == 0 && status.lastFault == nil)
    }

    @Test("No redirect is followed", arguments: [301, 302, 303, 307, 308])
    func redirect(_ status: Int) async throws {
        let other = try HTTPSource()
        defer { other.stop() }
        other.answer(issuer.keySet)
        let fault = try await fault {
            source.answer(status: "\(status) Moved", headers: ["Location: \(other.url)"], [])
        }
        #expect(fault == .redirected(status: status))
        #expect(other.requests.isEmpty)
    }

    @Test("A set that drips in, byte by byte, is given up when its time is over")
    func slowDrip() async throws {
        let body = issuer.keySet
        let fault = try await fault(timeoutSeconds: 0.5) {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.count)\r\n\r\n"
            source.answer(
                pieces: [HTTPSource.Piece(bytes: Array(head.utf8))]
                    + body.map { HTTPSource.Piece(bytes: [$0], waitMilliseconds: 100) })
        }
        #expect(fault == .timedOut)
    }

    @Test("An answer that is late is dropped: the set stays as it was")
    func late() async throws {
        defer { source.stop() }
        let keys = try issuer.keys(at: source, timeoutSeconds: 0.5)
        source.answer(waitMilliseconds: 1000, issuer.keySet)
        #expect(await keys.fault() == .timedOut)
        let newer = try Issuer()
        source.answer(newer.keySet)
        while await keys.fault() != nil {}
        try await Task.sleep(for: .milliseconds(800))
        #expect(await keys.rejection(of: try newer.token()) == nil)
        #expect(await keys.rejection(of: try issuer.token()) == .unknownKey)
    }

    @Test("More than 64 KiB are not read, whether announced or not")
    func tooLarge() async throws {
        let padding = [UInt8](repeating: 0x20, count: 10 << 20)
        let announced = try await fault { source.answer(issuer.keySet + padding) }
        #expect(announced == .tooLarge)
    }

    @Test("10 MB without a length are cut off")
    func endless() async throws {
        let padding = [UInt8](repeating: 0x20, count: 10 << 20)
        let head = Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n".utf8)
        let fault = try await fault {
            source.answer(pieces: [HTTPSource.Piece(bytes: head + issuer.keySet + padding)])
        }
        #expect(fault == .tooLarge)
    }

    @Test("HTML with status 200 is no key set, nor is anything else but JSON")
    func mediaType() async throws {
        let page = Array("<html>".utf8)
        #expect(
            try await fault { source.answer(type: "text/html; charset=utf-8", page) }
                == .mediaType("text/html"))
    }

    @Test("HTML that calls itself JSON is refused by its content")
    func disguised() async throws {
        let fault = try await fault {
            source.answer(type: "application/json", Array("<html>".utf8))
        }
        guard case .refused(.keySetRefused) = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
    }

    @Test("An answer without a type is not taken")
    func noType() async throws {
        #expect(try await fault { source.answer(type: nil, issuer.keySet) } == .mediaType(""))
    }

    @Test("Errors leave the set alone", arguments: [204, 404, 429, 500, 503])
    func errors(_ status: Int) async throws {
        #expect(
            try await fault { source.answer(status: "\(status) No", issuer.keySet) }
                == .status(status))
    }

    @Test("An empty set, private members, secrets and too many keys are refused as a whole")
    func refusedSets() async throws {
        var jwk = try #require(issuer.key.publicKey.jwk.object)
        jwk["d"] = "AA"
        let good = issuer.key.publicKey.jwk
        let many = (0..<33).map { number -> JSONValue in
            var jwk = jwk
            jwk["d"] = nil
            jwk["kid"] = .string("k\(number)")
            return .object(jwk)
        }
        let sets: [JSONValue] = [
            ["keys": []], ["keys": [good, .object(jwk)]], ["keys": .array(many)],
            ["keys": [good, ["kty": "oct", "k": "AAAA"]]], ["keys": [good, good]], [],
        ]
        for set in sets {
            let source = try HTTPSource()
            defer { source.stop() }
            source.answer(issuer.keySet)
            let keys = try issuer.keys(at: source)
            #expect(await keys.fault() == nil)
            source.answer(set.serialized())
            let fault = await keys.fault()
            guard case .refused = fault else {
                Issue.record("\(String(describing: fault))")
                return
            }
            #expect(await keys.rejection(of: try issuer.token()) == nil)
        }
    }

    @Test("A connection that is refused, or cut off in the middle, is an error")
    func unreachable() async throws {
        let cut = try await fault {
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
            source.answer(pieces: [HTTPSource.Piece(bytes: Array((head + "{").utf8))])
        }
        guard case .unreachable(let reason) = cut else {
            Issue.record("\(String(describing: cut))")
            return
        }
        #expect(!reason.isEmpty)
        let keys = try issuer.keys(at: source)
        guard case .unreachable = await keys.fault() else {
            Issue.record("it was reached")
            return
        }
        #expect(await keys.rejection(of: try issuer.token()) == .keysUnavailable)
    }

    @Test("Cookies of an answer are not sent back")
    func cookies() async throws {
        defer { source.stop() }
        source.answer(headers: ["Set-Cookie: a=b; Path=/"], issuer.keySet)
        let keys = try issuer.keys(at: source)
        for _ in 0..<3 { #expect(await keys.fault() == nil) }
        #expect(source.requests.count == 3)
        for head in source.requests { #expect(!head.lowercased().contains("cookie")) }
    }
}
