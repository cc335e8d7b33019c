import Bytes
import Glibc
import HTTPMessages
import HTTPServing
import StrictJSON

/// The ports, and what answers behind the issuer.
struct NetworkLook {
    let settings: ServeSettings
    /// The key that signs in the folder at hand.
    let signingKeyID: String?

    func findings() -> [Finding] {
        let (listen, isRunning) = port(settings.listen, \.listen, path: metadataPath)
        let (operatorPort, _) = port(settings.operatorListen, \.operatorListen, path: "/readyz")
        return [listen, operatorPort, issuer(isRunning: isRunning)]
    }

    private let metadataPath = "/.well-known/oauth-authorization-server"

    // MARK: Ports

    /// Whether the port could be opened, or else whether an usher answers on it.
    private func port(
        _ endpoint: Endpoint, _ port: PortSetting, path: String
    ) -> (finding: Finding, isRunning: Bool) {
        let setting = PlaceSettings()[keyPath: port]
        let check = setting.name.string
        guard endpoint.port != 0 else {
            return (.ok(check, "\(endpoint.address): a free port is picked at the start"), false)
        }
        guard let refusal = Self.refusal(of: endpoint) else {
            return (.ok(check, "\(endpoint) is free"), false)
        }
        guard case .addressInUse = refusal else {
            return (.problem(check, "\(setting.flag): \(refusal)", nil), false)
        }
        switch Probe.get(url(endpoint, port) + path) {
        case .answer(let answer) where answer.isOfUsher && answer.status == 503:
            return (
                .problem(
                    check, "an usher answers on \(endpoint), but is not ready\(failed(answer))",
                    "see its log: what it follows cannot be read, or it is starting"), true
            )
        case .answer(let answer) where answer.isOfUsher:
            return (.ok(check, "an usher answers on \(endpoint)"), true)
        case .answer, .silence, .notAsked:
            return (
                .problem(
                    check, "another program listens on \(endpoint)",
                    "stop it, or choose another port with \(setting.flag)"), false
            )
        }
    }

    /// The checks that failed, each with its code.
    private func failed(_ answer: Probe.Answer) -> String {
        let checks = answer.json?["checks"]?.object?.members ?? []
        let failed = checks.filter { $0.value.string != "ok" }
        guard !failed.isEmpty else { return "" }
        let names = failed.map { "\($0.name) (\($0.value.string?.string ?? "?"))" }
        return ": \(names.joined(separator: ", "))"
    }

    private func url(_ endpoint: Endpoint, _ port: PortSetting) -> String {
        endpoint.url(isTLS: port == \.listen && settings.tls != nil)
    }

    /// Opens and closes it; nil where that works.
    private static func refusal(of endpoint: Endpoint) -> HTTPServerError? {
        do throws(HTTPServerError) {
            let configuration = HTTPServerConfiguration(
                address: endpoint.address, port: endpoint.port)
            try HTTPServer(configuration) { _ in .response(.json(503, Array("{}".utf8))) }.stop()
            return nil
        } catch {
            return error
        }
    }

    // MARK: The issuer

    /// Whether who follows the issuer's URL finds this service, as RFC 8414 §3.3 asks.
    private func issuer(isRunning: Bool) -> Finding {
        guard let issuer = settings.access.issuer ?? (isRunning ? settings.publicURL : nil),
            let origin = Origin.of(url: issuer)
        else {
            return .notChecked(
                "issuer", "none is set, and nothing runs here that could name its own",
                "run usher doctor again beside the running service")
        }
        let path = String(issuer.dropFirst(origin.description.count))
        let url = origin.description + metadataPath + (path == "/" ? "" : path)
        switch Probe.get(url) {
        case .notAsked(let reason): return .notChecked("issuer", "\(url): \(reason)", nil)
        case .silence(let reason):
            guard isRunning else {
                return .notChecked(
                    "issuer", "\(url) does not answer (\(reason)), nor does anything run here",
                    "run usher doctor again beside the running service")
            }
            return .problem(
                "issuer", "\(url) cannot be reached from here: \(reason)",
                "look at its name in the DNS, the proxy and its certificate")
        case .answer(let answer):
            return answer.status == 200 && answer.json?["issuer"] != nil
                ? metadata(answer, issuer, url)
                : .problem(
                    "issuer", "\(url) answers with \(answer.status) and no metadata",
                    "let the proxy pass /.well-known/ to usher")
        }
    }

    /// Nil where the key set cannot be had.
    private static func isPublished(_ keyID: String, at url: String) -> Bool? {
        guard case .answer(let keys) = Probe.get(url), let published = keys.json?["keys"]?.array
        else { return nil }
        return published.contains { $0.object?["kid"]?.string == ByteText(keyID) }
    }

    private func metadata(_ answer: Probe.Answer, _ issuer: String, _ url: String) -> Finding {
        let found = answer.json?["issuer"]?.string?.string ?? ""
        guard ByteText(found) == ByteText(issuer) else {
            return .problem(
                "issuer", "\(url) names the issuer \(Printable.text(found)), not \(issuer)",
                "give the running service the same --issuer, to the last character")
        }
        guard let signingKeyID, let keysURL = answer.json?["jwks_uri"]?.string?.string,
            var isPublished = Self.isPublished(signingKeyID, at: keysURL)
        else { return .ok("issuer", "\(issuer) is reachable from here and names itself so") }
        if !isPublished {
            sleep(2)  // A service sees a change of keys within a second: this one may be fresh.
            isPublished = Self.isPublished(signingKeyID, at: keysURL) ?? false
        }
        guard isPublished else {
            return .problem(
                "issuer", "\(issuer) does not publish the key that signs in this folder",
                "it runs on other keys: compare --keys and --data of both")
        }
        return .ok("issuer", "\(issuer) is reachable from here, and publishes our signing key")
    }
}
