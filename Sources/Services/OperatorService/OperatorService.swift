import Access
import Bytes
package import HTTPMessages
import StrictJSON

/// What stands behind the operator's port: health and figures for whoever asks on this machine,
/// and what shows or changes peers for who bears the operator's token (docs/architecture.md §5).
package struct OperatorService: Sendable {
    let ports: OperatorPorts
    let counts: OperatorCounts
    /// Of pages that are open.
    let elsewhere = RoomsElsewhere()
    /// Seconds since the Unix epoch.
    let startedAt: Int64

    package init(_ ports: OperatorPorts, _ counts: OperatorCounts) {
        self.ports = ports
        self.counts = counts
        startedAt = ports.now()
    }

    @Sendable package func outcome(of request: HTTPRequest) -> HTTPOutcome {
        let route = Route.of(request.path)
        let answer = route?.answer(self)
        let isOpenToPages = answer != nil && route?.isClosedToPages == false
        if !isOpenToPages, let refusal = refusal(of: request) { return .response(refusal) }
        guard let route, let answer else { return .response(Self.notFound) }
        if route.wantsBearer, !isOperator(request) { return .response(Self.unauthorized) }
        guard let methods = route.methods else { return answer(request) }
        guard methods.contains(request.method) else {
            let allowed = methods.joined(separator: ", ")
            return .response(
                .refusal(
                    405, "method_not_allowed", "use \(allowed)",
                    headers: [("Allow", ByteText(allowed))]))
        }
        let outcome = answer(request)
        guard case .response(var response) = outcome else { return outcome }
        response.headers.set("Cache-Control", "no-store")
        return .response(response)
    }

    /// Whether a request may have to wait for other nodes of a cluster.
    @Sendable package func mayWait(_ request: HTTPRequest) -> Bool {
        guard ports.relay?.cluster != nil else { return false }
        return request.method == "DELETE"
            || request.path == Route.rooms && RoomsAsked(request) == .everywhere
    }

    /// Whether the request bears the operator's token (RFC 6750 §2.1).
    private func isOperator(_ request: HTTPRequest) -> Bool {
        guard let token = try? BearerCredentials.find(in: request.headers) else { return false }
        return ports.isBearer(Array(token.utf8))
    }

    private func refusal(of request: HTTPRequest) -> HTTPResponse? {
        guard hasKnownHost(request) else { return Self.unknownHost }
        // Browsers name the page's origin at its own scripts too.
        let own: ByteText = "http://\(request.headers["Host"] ?? "")"
        return request.headers.values("Origin").allSatisfy { $0 == own } ? nil : Self.otherOrigin
    }

    /// A page can point a name of its own at this address, but not an IP literal or `localhost`.
    /// Names that the operator gave are the operator's.
    private func hasKnownHost(_ request: HTTPRequest) -> Bool {
        let named = request.headers.values("Host")
        guard named.count == 1, let asked = Origin.of(host: named[0]) else { return false }
        return asked.isAddress || asked.isLoopback
            || ports.hosts.contains { ByteText($0) == asked.host }
    }
}

// MARK: What is answered

extension OperatorService {
    static let pagePolicy: ByteText =
        """
        default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
        img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'
        """

    static let alive = HTTPResponse.json(200, Array(#"{"status":"ok"}"#.utf8))
    static let noPeer = HTTPResponse.refusal(
        404, "not_found", "no peer in a room has this connection")

    static let alone = HTTPResponse.refusal(
        404, "no_cluster", "this service is no node of a cluster: it was started without --cluster")

    /// Nodes of a cluster that have not answered.
    static func silent(_ names: [ByteText]) -> HTTPResponse {
        let who = names.isEmpty ? "the cluster" : names.map(\.string).joined(separator: ", ")
        return .refusal(
            503, "node_silent",
            "\(who) does not answer, and no other node has that peer: ask again in a few seconds",
            headers: [("Retry-After", "5")])
    }

    static let otherRooms = HTTPResponse.refusal(
        400, "invalid_request", "ask for /rooms, or for /rooms?node=here")
    static let busy = HTTPResponse.refusal(
        503, "busy", "others wait for the rooms of all nodes: ask again in a few seconds",
        headers: [("Retry-After", "5")])
    static let noAnswer = HTTPResponse.refusal(
        503, "cluster_silent",
        "nothing came of what the nodes were asked for: ask again in a few seconds",
        headers: [("Retry-After", "5")])

    private static let notFound = HTTPResponse.refusal(
        404, "not_found", "try /livez, /readyz or /metrics")
    private static let unknownHost = HTTPResponse.refusal(
        403, "host_not_allowed",
        "Host must be an IP address, localhost or a name of --operator-host")
    private static let otherOrigin = HTTPResponse.refusal(
        403, "origin_not_allowed", "pages of other origins may not ask here")
    private static let unauthorized = HTTPResponse.refusal(
        401, "unauthorized", "send the token of operator.json in the data folder as bearer",
        headers: [("WWW-Authenticate", #"Bearer realm="usher operator""#)])

    /// Each check by name, with `ok` or the code of what is wrong.
    var readiness: HTTPResponse {
        var isReady = true
        var results = JSONObject()
        for check in ports.checks {
            let failure = check.failure()
            results[ByteText(check.name)] = .string(failure ?? "ok")
            if failure != nil { isReady = false }
        }
        let body: JSONValue = [
            "status": isReady ? "ok" : "not_ready", "checks": .object(results),
        ]
        return .json(isReady ? 200 : 503, body.serialized())
    }

    /// What the operator's page shows, as server-sent events (WHATWG HTML §9.2), one a second.
    func events(of relay: OperatedRelay) -> HTTPOutcome {
        let headers = HeaderFields([
            ("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"),
        ])
        return .stream(headers: headers) {
            let state = OperatorState(service: self, relay: relay).json
            return Array("event: state\ndata: ".utf8) + state.serialized() + Array("\n\n".utf8)
        }
    }
}
