import Bytes
import Edge
import HTTPMessages

/// `POST /edge/viewer-request`: the edge step for an edge elsewhere. Needs no credentials: the
/// answer depends on the request alone.
struct EdgeEndpoint: Sendable {
    static let path: ByteText = "/edge/viewer-request"

    let step: EdgeStep

    func respond(to request: HTTPRequest) -> HTTPResponse {
        do throws(OAuthRefusal) {
            return try rewrite(request)
        } catch {
            return error.response
        }
    }

    private func rewrite(_ request: HTTPRequest) throws(OAuthRefusal) -> HTTPResponse {
        guard request.method == "POST" else { throw .methodNotAllowed(allow: "POST") }
        try JSONBody.check(request, bytesMax: ViewerRequest.eventBytesMax)
        do {
            let rewritten = try ViewerRequest.rewrite(event: request.body, step: step)
            return .json(200, rewritten, headers: NoStore.fields)
        } catch {
            throw .invalidRequest(error.description)
        }
    }
}

/// Bodies of `application/json`. No page of another origin can send one without asking first, and
/// here nothing is answered that would let it.
enum JSONBody {
    static func check(_ request: HTTPRequest, bytesMax: Int) throws(OAuthRefusal) {
        let values = request.headers.values("Content-Type")
        guard values.count == 1, let value = values.first,
            MediaType.matches(value, "application/json")
        else { throw .invalidRequest("Content-Type must be application/json") }
        guard request.body.count <= bytesMax else { throw .tooLarge(bytesMax: bytesMax) }
    }
}
