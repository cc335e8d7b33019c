import Bytes
import CLibSSL
import Glibc
import HTTPMessages
import ServerSupport
import Testing

@testable import HTTPClient

@Suite("TLS to a server") struct TLSTests {
    private static let trust = TLSTrust(pemFile: TestKeys.authority)

    private static func serve(_ identity: ServerIdentity) throws -> ScriptedServer {
        try ScriptedServer(identity) { peer in
            while peer.request() != nil { peer.send(answer(peer.serverName ?? "no name")) }
        }
    }

    private func ask(
        _ server: ScriptedServer, host: String = "localhost", trust: TLSTrust = trust
    ) -> Outcome {
        HTTPClient(trust: trust).ask(server, scheme: "https", host: host)
    }

    @Test("A certificate of the authority for that name or address is taken; the name is told")
    func good() throws {
        let server = try Self.serve(TestKeys.good)
        #expect(ask(server).body == "localhost")
        #expect(ask(server, host: "127.0.0.1").body == "no name")
        let old = try Self.serve(TestKeys.good.upTo(TLS1_2_VERSION))
        #expect(ask(old).body == "localhost")
    }

    private func expectRefused(
        _ identity: ServerIdentity, host: String = "localhost", trust: TLSTrust = trust,
        because reason: String
    ) throws {
        let server = try Self.serve(identity)
        let outcome = ask(server, host: host, trust: trust)
        guard case .fault(.certificateRefused(_, let told)) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(told.contains(reason), "\(told)")
        #expect(outcome.mayHaveArrived == false)
    }

    @Test("A certificate for another name or address is refused")
    func otherName() throws {
        try expectRefused(TestKeys.other, because: "ostname mismatch")
        try expectRefused(TestKeys.other, host: "127.0.0.1", because: "IP address mismatch")
    }

    @Test("A certificate that has expired, or that nobody trusted signed, is refused")
    func untrusted() throws {
        try expectRefused(TestKeys.expired, because: "expired")
        try expectRefused(TestKeys.selfSigned, because: "self-signed")
        // By the system's list, which does not have the authority of these tests.
        try expectRefused(TestKeys.good, trust: TLSTrust(), because: "certificate")
    }

    @Test("Whoever speaks no TLS, or too old a one, is told apart")
    func noTLS() throws {
        let plain = try ScriptedServer { peer in
            peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            peer.untilEnd()
        }
        #expect(ask(plain).code == "http_handshake_failed")
        #expect(ask(plain).mayHaveArrived == false)
        let gone = try ScriptedServer { _ in }
        #expect(ask(gone).code == "http_handshake_failed")
        let old = try Self.serve(TestKeys.good.upTo(TLS1_1_VERSION))
        #expect(ask(old).code == "http_handshake_failed")
        let secured = try Self.serve(TestKeys.good)
        #expect(HTTPClient().ask(secured).code != nil)
    }

    @Test("A connection with TLS is used again, past tickets, and its end is noticed")
    func kept() throws {
        let server = try ScriptedServer(TestKeys.good) { peer in
            for _ in 0..<3 where peer.request() != nil { peer.send(answer("\(peer.number)")) }
            peer.finish()
        }
        let client = HTTPClient(trust: Self.trust)
        for number in [1, 1, 1, 2, 2, 2, 3] {
            let outcome = client.ask(server, "POST", scheme: "https", body: [1])
            #expect(outcome.body == "\(number)")
            usleep(50_000)  // For the end to arrive.
        }
    }

    @Test("Megabytes go both ways")
    func large() throws {
        let server = try ScriptedServer(TestKeys.good) { peer in
            guard let request = peer.request() else { return }
            peer.send(answer(String(request.suffix(1_000_000))))
        }
        let body = (0..<1_000_000).map { UInt8($0 % 64 + 32) }
        let client = HTTPClient(trust: Self.trust)
        let outcome = client.ask(server, "POST", scheme: "https", body: body)
        #expect(outcome.body == String(decoding: body, as: UTF8.self))
    }

    @Test("A body that lasts until the end is whole only where TLS says so")
    func truncated() throws {
        for isInOrder in [true, false] {
            let server = try ScriptedServer(TestKeys.good) { peer in
                _ = peer.request()
                peer.send("HTTP/1.1 200 OK\r\n\r\nso far")
                if isInOrder { peer.finish() } else { peer.cut() }
                peer.untilEnd()
            }
            let outcome = ask(server)
            #expect(outcome.body == (isInOrder ? "so far" : nil))
            #expect(outcome.code == (isInOrder ? nil : "http_closed_early"))
        }
    }

    @Test("What is wrong with the file of authorities is said, before any request if wanted")
    func files() throws {
        #expect(throws: Never.self) { try Self.trust.load() }
        #expect(throws: Never.self) { try TLSTrust().load() }
        let missing = TLSTrust(pemFile: TestKeys.authority + ".missing")
        #expect { try missing.load() } throws: { error in
            (error as? HTTPClientError)?.code == "http_trust_unreadable"
                && "\(error)".contains(TestKeys.authority + ".missing")
        }
        let path = try TestKeys.file("empty.pem", "no certificate\n")
        let empty = TLSTrust(pemFile: path)
        #expect(throws: HTTPClientError.trustWithoutCertificate(path: path)) { try empty.load() }
        let server = try Self.serve(TestKeys.good)
        #expect(ask(server, trust: empty).code == "http_trust_without_certificate")
        #expect(server.connections == 0)
    }
}
