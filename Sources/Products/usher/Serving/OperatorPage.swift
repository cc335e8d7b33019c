import AuthService
import Bytes
import HTTPMessages
import StrictJSON

/// The operator's page: a document that holds nothing, and the events that fill it, which want the
/// operator's token.
struct OperatorPage: Sendable {
    static let eventsPath: ByteText = "/events"

    let pass: OperatorPass
    let state: OperatorState

    private static let contentSecurityPolicy: ByteText =
        """
        default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
        img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'
        """

    /// nil where the path is none of the page's.
    func outcome(of request: HTTPRequest) -> HTTPOutcome? {
        if request.path == Self.eventsPath { return events(request) }
        guard let asset = OperatorAssets.all[request.path] else { return nil }
        guard request.method == "GET" || request.method == "HEAD" else {
            return .response(OperatorFront.methodNotAllowed("GET, HEAD"))
        }
        let headers = HeaderFields([
            ("Content-Type", asset.contentType), ("Cache-Control", "no-store"),
            ("Content-Security-Policy", Self.contentSecurityPolicy),
            ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Resource-Policy", "same-origin"),
        ])
        return .response(HTTPResponse(status: 200, headers: headers, body: asset.bytes))
    }

    /// Server-sent events (WHATWG HTML §9.2), one a second.
    private func events(_ request: HTTPRequest) -> HTTPOutcome {
        guard pass.isBorne(by: request) else { return .response(OperatorConsole.unauthorized) }
        guard request.method == "GET" else {
            return .response(OperatorFront.methodNotAllowed("GET"))
        }
        let headers = HeaderFields([
            ("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"),
        ])
        return .stream(headers: headers) { [state] in
            Array("event: state\ndata: ".utf8) + state.json.serialized() + Array("\n\n".utf8)
        }
    }
}
