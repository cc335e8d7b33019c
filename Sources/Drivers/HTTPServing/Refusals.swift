import Bytes
import HTTPMessages

/// The server's own answers, before and instead of the handler's.
enum Refusals {
    static func malformed(_ reason: String) -> HTTPResponse {
        json(400, "invalid_request", reason)
    }

    static func bodyTooLong(bytesMax: Int) -> HTTPResponse {
        json(413, "request_too_large", "the request body is over \(bytesMax) bytes")
    }

    static func targetTooLong(bytesMax: Int) -> HTTPResponse {
        json(414, "request_too_large", "the request target is over \(bytesMax) bytes")
    }

    static func headerTooLong(bytesMax: Int) -> HTTPResponse {
        json(431, "request_too_large", "the request's header is over \(bytesMax) bytes")
    }

    static func tooManyFields(max: Int) -> HTTPResponse {
        json(431, "request_too_large", "the request has more than \(max) header fields")
    }

    /// What makes an answer's header so long is what it repeats of the request's.
    static let noRoomForAnswer = json(
        431, "request_too_large",
        "the header of the answer, with what it repeats of the request's, is too long")

    /// Any page may read it, since it may have asked what only pages ask, and tells them when to
    /// try again.
    static let stopping = unavailable("the service is stopping")

    /// Nothing was done, and nothing will be.
    static let busy = unavailable("too many wait for the registry already: nothing was done")

    private static func unavailable(_ text: String) -> HTTPResponse {
        var response = json(503, "temporarily_unavailable", text)
        response.headers.add("Retry-After", "1")
        response.headers.add("Access-Control-Allow-Origin", "*")
        response.headers.add("Access-Control-Expose-Headers", "Retry-After")
        return response
    }

    /// The handler gave a response that cannot be sent: our mistake, never the client's.
    static let unsendable = json(500, "server_error", "the response could not be formed")

    private static func json(_ status: Int, _ code: String, _ text: String) -> HTTPResponse {
        .refusal(status, code, text, headers: [("Cache-Control", "no-store")])
    }
}
