import Bytes
import Edge
import HTTPMessages
import StrictJSON

extension FuzzTarget {
    static let viewerRequest = FuzzTarget(
        check: fuzzViewerRequest,
        work: { bytes in
            let step = EdgeStep(cookieName: "__Host-usher")
            return { _ = try? ViewerRequest.rewrite(event: bytes, step: step) }
        },
        benign: {
            repeating(
                #"{"key":"X-Word","value":"\#(String(repeating: "word", count: 25))"},"#,
                between: #"{"Records":[{"cf":{"config":{"eventType":"viewer-request"},"#
                    + #""request":{"clientIp":"192.0.2.1","method":"GET","uri":"/","#
                    + #""querystring":"","headers":{"x-word":["#,
                and: #"{"key":"X-Word","value":"end"}]}}}}]}"#, count: $0.count)
        })
}

/// A Lambda@Edge viewer-request event: the answer is a request without our cookie, which a second
/// step leaves alone, or a refusal with status 400.
func fuzzViewerRequest(_ bytes: [UInt8]) {
    let step = EdgeStep(cookieName: "__Host-usher")
    guard let answer = try? ViewerRequest.rewrite(event: bytes, step: step) else { return }
    let value = mustTake("the answer is JSON") { try JSONValue.parse(answer) }
    guard let request = value.object else { fatalError("the answer is an object") }
    guard request["uri"] != nil else {
        require(request["status"]?.string == "400", "a refusal has status 400")
        return
    }
    let headers = request["headers"]?.object?.members ?? []
    for header in headers {
        require(header.name != "upgrade" && header.name != "connection", "withheld fields go")
        let entries = header.value.array ?? []
        require(!entries.isEmpty, "a field that is there has a value")
        require(header.name != "authorization" || entries.count == 1, "one Authorization at most")
    }
    let event: JSONValue = [
        "Records": [["cf": ["config": ["eventType": "viewer-request"], "request": value]]]
    ]
    let again = mustTake("the answer is a request as CloudFront would send it") {
        try ViewerRequest.rewrite(event: event.serialized(), step: step)
    }
    require(again == answer, "a second step changes nothing")
}
