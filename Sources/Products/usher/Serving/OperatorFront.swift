import AuthService
import Bytes
import Edge
import HTTPMessages
import Monitoring
import StrictJSON

/// What stands behind the operator's port: health and figures for whoever asks on this machine,
/// and what shows or changes peers for who bears the operator's token.
struct OperatorFront: Sendable {
    /// Something without which the service answers by what it knew before.
    struct Check: Sendable {
        /// A word of the answer's.
        let name: String
        /// A stable code, which names no file; nil where all is well.
        let failure: @Sendable () -> String?
    }

    /// Names by which it may be asked, beside addresses and `localhost`; in lower case.
    let hosts: [String]
    let checks: [Check]
    let metrics: @Sendable () -> [UInt8]
    /// nil where the process runs no relay.
    let console: OperatorConsole?
    /// nil where the process runs no relay.
    let page: OperatorPage?
    /// nil where the process serves no tokens.
    let edge: EdgeFront?

    func outcome(of request: HTTPRequest) -> HTTPOutcome {
        // A proxy asks with the Host and Origin of the request that it has.
        if let edge, request.path == AuthService.edgeAuthPath { return edge.outcome(of: request) }
        if let refusal = refusal(of: request) { return .response(refusal) }
        return page?.outcome(of: request) ?? .response(response(to: request))
    }

    private func refusal(of request: HTTPRequest) -> HTTPResponse? {
        guard hasKnownHost(request) else {
            return PublicFront.error(
                403, "host_not_allowed",
                "Host must be an IP address, localhost or a name of --operator-host")
        }
        let origins = request.headers.values("Origin")
        // Browsers name the page's origin at its own scripts too.
        guard origins.allSatisfy({ $0 == "http://\(request.headers["Host"] ?? "")" }) else {
            return PublicFront.error(
                403, "origin_not_allowed", "pages of other origins may not ask here")
        }
        return nil
    }

    private func response(to request: HTTPRequest) -> HTTPResponse {
        switch request.path {
        case "/livez": return open(request) { Self.ok }
        case "/readyz": return open(request) { readiness }
        case "/metrics": return open(request) { figures }
        default:
            return console?.response(to: request)
                ?? PublicFront.error(404, "not_found", "try /livez, /readyz or /metrics")
        }
    }

    private func open(_ request: HTTPRequest, _ answer: () -> HTTPResponse) -> HTTPResponse {
        guard request.method == "GET" || request.method == "HEAD" else {
            return Self.methodNotAllowed("GET, HEAD")
        }
        return answer()
    }

    /// Each check by name, with `ok` or the code of what is wrong.
    private var readiness: HTTPResponse {
        var isReady = true
        var results = JSONObject()
        for check in checks {
            let failure = check.failure()
            results[ByteText(check.name)] = .string(failure ?? "ok")
            if failure != nil { isReady = false }
        }
        let body: JSONValue = [
            "status": isReady ? "ok" : "not_ready", "checks": .object(results),
        ]
        return .json(
            isReady ? 200 : 503, body.serialized(), headers: [("Cache-Control", "no-store")])
    }

    private var figures: HTTPResponse {
        var response = HTTPResponse(status: 200)
        response.headers.set("Content-Type", ByteText(PrometheusText.contentType))
        response.body = metrics()
        return response
    }

    private static let ok = HTTPResponse.json(200, Array(#"{"status":"ok"}"#.utf8))

    static func methodNotAllowed(_ allowed: ByteText) -> HTTPResponse {
        var refusal = PublicFront.error(405, "method_not_allowed", "use \(allowed)")
        refusal.headers.set("Allow", allowed)
        return refusal
    }

    /// A page can point a name of its own at this address, but not an IP literal or `localhost`.
    /// Names that the operator gave are the operator's.
    private func hasKnownHost(_ request: HTTPRequest) -> Bool {
        let named = request.headers.values("Host")
        guard named.count == 1, let asked = Origin.of(host: named[0]) else { return false }
        return asked.isAddress || asked.isLoopback
            || hosts.contains { ByteText($0) == asked.host }
    }
}

/// The routes that show peers or act on them; each wants the token of `operator.json` as bearer.
struct OperatorConsole: Sendable {
    static let roomsPath: ByteText = "/rooms"
    static let peersPrefix: ByteText = "/peers/"

    let pass: OperatorPass
    /// Every room and its members.
    let rooms: @Sendable () -> JSONValue
    /// Closes the connection of this id; false where no peer in a room has it.
    let kick: @Sendable (_ connectionID: ByteText) -> Bool

    /// nil where the path is none of these.
    func response(to request: HTTPRequest) -> HTTPResponse? {
        if request.path == Self.roomsPath {
            return guarded(request, "GET") { .json(200, rooms().serialized()) }
        }
        guard request.path.hasPrefix(Self.peersPrefix) else { return nil }
        let connectionID = request.path.dropFirst(Self.peersPrefix.count)
        return guarded(request, "DELETE") {
            kick(connectionID)
                ? HTTPResponse(status: 204)
                : PublicFront.error(404, "not_found", "no peer in a room has this connection")
        }
    }

    static let unauthorized: HTTPResponse = {
        var refusal = PublicFront.error(
            401, "unauthorized", "send the token of operator.json in the data folder as bearer")
        refusal.headers.set("WWW-Authenticate", "Bearer realm=\"usher operator\"")
        return refusal
    }()

    private func guarded(
        _ request: HTTPRequest, _ method: ByteText, _ answer: () -> HTTPResponse
    ) -> HTTPResponse {
        guard pass.isBorne(by: request) else {
            return Self.unauthorized
        }
        guard request.method == method else { return OperatorFront.methodNotAllowed(method) }
        var response = answer()
        response.headers.set("Cache-Control", "no-store")
        return response
    }
}
