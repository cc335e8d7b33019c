import Bytes
import Edge
import HTTPMessages
import StrictJSON

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

    /// The object that a body is, with each name once.
    static func object(
        of request: HTTPRequest, bytesMax: Int, depthMax: Int
    ) throws(OAuthRefusal) -> JSONObject {
        try check(request, bytesMax: bytesMax)
        let limits = JSONLimits(bytesMax: bytesMax, depthMax: depthMax)
        do throws(JSONError) {
            let object = try JSONValue.parse(request.body, limits: limits).object
            if let object { return object }
        } catch {
            throw .invalidRequest("the body is no strict JSON: \(error)")
        }
        throw .invalidRequest("the body must be a JSON object")
    }
}
