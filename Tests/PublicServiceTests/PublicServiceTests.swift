import Bytes
import Edge
import HTTPMessages
import Locking
import PublicService
import Testing

private func service(
    allowPlainHTTP: Bool = false,
    count: @escaping @Sendable (ByteText, Int) -> Void = { _, _ in }
) -> PublicService {
    PublicService(
        allowPlainHTTP: allowPlainHTTP, edge: EdgeStep(cookieName: "c"), auth: nil, relay: nil,
        count: count)
}

private func answer(to request: HTTPRequest, _ service: PublicService = service()) -> HTTPResponse?
{
    guard case .response(let response) = service.outcome(of: request) else { return nil }
    return response
}

private func status(
    peer: String, client: String? = nil, isSecure: Bool = false, allowPlainHTTP: Bool = false
) -> Int? {
    let request = HTTPRequest(
        method: "GET", path: "/", peerAddress: peer, isSecure: isSecure,
        clientAddress: client ?? peer)
    return answer(to: request, service(allowPlainHTTP: allowPlainHTTP))?.status
}

@Suite("The public port (docs/architecture.md §5)") struct PublicServiceTests {
    @Test(
        "Over plain http from elsewhere nothing is taken (RFC 6749 §3.2, RFC 6750 §5.3)",
        arguments: ["192.0.2.7", "10.0.0.1", "::2", "128.0.0.1", "fe80::1", "nonsense", ""])
    func refused(peer: String) {
        #expect(status(peer: peer) == 400)
        #expect(status(peer: peer, isSecure: true) == 404)
        #expect(status(peer: peer, allowPlainHTTP: true) == 404)
    }

    @Test(
        "Plain http within this machine is taken",
        arguments: ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
    func loopback(peer: String) {
        #expect(status(peer: peer) == 404)
    }

    @Test("A page is told why, where it asks")
    func toldToPages() throws {
        for (path, readers) in [("/signal/check", "*"), ("/", nil)] as [(ByteText, ByteText?)] {
            let request = HTTPRequest(method: "POST", path: path, peerAddress: "192.0.2.7")
            let response = try #require(answer(to: request))
            #expect(response.status == 400)
            #expect(response.headers["Access-Control-Allow-Origin"] == readers)
        }
    }

    @Test("A proxy on this machine does not make a remote client's plain http good")
    func proxied() {
        #expect(status(peer: "127.0.0.1", client: "192.0.2.7") == 400)
        #expect(status(peer: "127.0.0.1", client: "192.0.2.7", isSecure: true) == 404)
    }

    @Test("What is wrong with the session cookie is a matter of the routes that use it")
    func edgeRefusal() {
        let request = HTTPRequest(
            method: "GET", path: "/", headers: HeaderFields([("Cookie", "c=a; c=b")]),
            peerAddress: "127.0.0.1", clientAddress: "127.0.0.1")
        #expect(answer(to: request)?.status == 404)
    }

    @Test("A check is counted as a route of its own, also where only the other half is served")
    func checkRoute() {
        let request = HTTPRequest(method: "POST", path: "/signal/check", peerAddress: "127.0.0.1")
        let counted = Lock<[String]>([])
        let service = service { path, status in
            counted.withLock { $0.append("\(path) \(status)") }
        }
        #expect(answer(to: request, service)?.status == 404)
        #expect(PublicService.routes.contains("/signal/check"))
        #expect(counted.withLock { $0 } == ["/signal/check 404"])
    }
}
