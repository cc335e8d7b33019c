import Testing
import UsherKeySet
import UsherVerifier

@Suite("Making a remote key set")
struct AddressTests {
    private func error(
        _ url: String, issuer: String = "https://auth.example",
        transport: RemoteKeySet.Transport = .https
    ) -> RemoteKeySetError? {
        do throws(RemoteKeySetError) {
            _ = try RemoteKeySet(
                url: url, issuer: issuer, audience: "a", algorithms: [.es256],
                transport: transport)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "Only https addresses are taken (docs/conformance.md, JWKS transport)",
        arguments: [
            "http://auth.example/jwks", "http://127.0.0.1/jwks", "file:///etc/passwd",
            "ftp://auth.example/jwks", "auth.example/jwks", "/jwks", "", "https://",
            "https:///jwks", "https://user:secret@auth.example/jwks", "https://auth.example/#x",
            "data:application/json,{}",
            "https://auth.example/" + String(repeating: "x", count: 2048),
        ])
    func refused(_ url: String) {
        guard case .url(let reason) = error(url) else {
            Issue.record("\(url) was taken")
            return
        }
        #expect(reason.count > 15 && !reason.contains("secret"))
    }

    @Test("https is taken with port and query, and so is a name in capitals")
    func taken() {
        for url in ["https://auth.example/jwks", "HTTPS://AUTH.EXAMPLE:8443/a?b=c"] {
            #expect(error(url) == nil)
        }
    }

    @Test("http is taken on request, from this machine alone")
    func loopback() {
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            let url = "http://\(host):8080/jwks"
            #expect(error(url, transport: .insecureHTTPToLoopback) == nil)
            #expect(error(url) != nil)
        }
        for host in ["127.0.0.1.example", "localhost.example", "10.0.0.1", "localhost@example"] {
            #expect(error("http://\(host)/jwks", transport: .insecureHTTPToLoopback) != nil)
        }
    }

    @Test("What a verifier refuses is refused here, before anything is fetched")
    func verifierErrors() {
        #expect(error("https://auth.example/jwks", issuer: "") == .verifier(.issuerEmpty))
    }

    @Test("Every error has a code, and says what to change")
    func descriptions() {
        let faults: [KeySetFault] = [
            .timedOut, .unreachable("x"), .redirected(status: 302), .status(500),
            .mediaType("text/html"), .tooLarge, .outdated(ageSeconds: 1),
            .refused(.noUsableKey(reasons: [])), .cancelled,
        ]
        #expect(Set(faults.map(\.code)).count == faults.count)
        for fault in faults { #expect(fault.description.count > 15) }
        #expect(RemoteKeySetError.url("x").code == "key_set_url")
        #expect(RemoteKeySetError.verifier(.noAlgorithm).code == "verifier_no_algorithm")
    }
}
