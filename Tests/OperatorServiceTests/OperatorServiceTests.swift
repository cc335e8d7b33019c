import Bytes
import HTTPMessages
import StrictJSON
import Testing

@testable import OperatorService

private func answer(
    _ path: String, method: String = "GET", host: String = "127.0.0.1:9090",
    _ failures: [(String, String?)] = []
) -> HTTPResponse? {
    OperatorBench(checks: failures).answer(path, method: method, host: host)
}

@Suite("The operator's port (docs/architecture.md §5)") struct OperatorServiceTests {
    @Test(
        "Addresses, localhost and the names that were given may ask, with whatever port",
        arguments: [
            ("10.1.2.3:9090", 200), ("[::1]", 200), ("localhost:1", 200), ("usher:9090", 200),
            ("USHER", 200), ("metrics.example", 200), ("example", 403), ("usher.evil", 403),
            ("a.usher", 403), ("usher@evil", 403), ("", 403),
        ])
    func hosts(host: String, status: Int) {
        for path in ["/livez", "/readyz", "/metrics"] {
            #expect(answer(path, host: host)?.status == status)
        }
    }

    @Test("A service is ready when every check is well, and names them")
    func ready() throws {
        let response = try #require(answer("/readyz", [("registry", nil), ("keys", nil)]))
        #expect(response.status == 200)
        let expected: JSONValue = [
            "status": "ok", "checks": ["registry": "ok", "keys": "ok"],
        ]
        #expect(try JSONValue.parse(response.body) == expected)
        #expect(response.headers["Cache-Control"] == "no-store")
    }

    @Test(
        "One check that fails is 503, with its code beside the others", arguments: ["GET", "HEAD"])
    func notReady(method: String) throws {
        let response = try #require(
            answer("/readyz", method: method, [("registry", "registry_not_found"), ("keys", nil)]))
        #expect(response.status == 503)
        let expected: JSONValue = [
            "status": "not_ready", "checks": ["registry": "registry_not_found", "keys": "ok"],
        ]
        #expect(try JSONValue.parse(response.body) == expected)
    }

    @Test("A process lives whatever its checks say")
    func alive() throws {
        let response = try #require(answer("/livez", [("keys", "key_folder_missing")]))
        #expect(response.status == 200)
        #expect(try JSONValue.parse(response.body) == ["status": "ok"])
    }
}
