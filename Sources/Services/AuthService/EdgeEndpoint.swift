import Bytes
import Edge
import HTTPMessages

/// `POST /edge/viewer-request`: the edge step for an edge elsewhere. Needs no credentials: the
/// answer depends on the request alone.
struct EdgeEndpoint: Endpoint {
    static let path: ByteText = "/edge/viewer-request"

    let step: EdgeStep

    func answer(_ call: Call) throws(OAuthRefusal) -> HTTPResponse {
        try JSONBody.check(call.request, bytesMax: ViewerRequest.eventBytesMax)
        do {
            let rewritten = try ViewerRequest.rewrite(event: call.request.body, step: step)
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
