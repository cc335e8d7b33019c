package import Bytes

/// One response, whole, as a value. The server adds `Content-Length`, `Date` and
/// `X-Content-Type-Options: nosniff`; a response to HEAD is sent without its body.
package struct HTTPResponse: Equatable, Sendable {
    /// 200 to 599.
    package var status: Int
    package var headers: HeaderFields
    package var body: [UInt8]

    package init(status: Int, headers: HeaderFields = HeaderFields(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A response of `application/json`; `bytes` is the serialised document.
    package static func json(
        _ status: Int, _ bytes: [UInt8], headers: [(ByteText, ByteText)] = []
    ) -> HTTPResponse {
        var fields = HeaderFields(fields: [.init(name: "Content-Type", value: "application/json")])
        for (name, value) in headers { fields.add(name, value) }
        return HTTPResponse(status: status, headers: fields, body: bytes)
    }

    /// A refusal in the form of RFC 6749 §5.2. Both texts are ours and free of what JSON would
    /// escape.
    package static func refusal(
        _ status: Int, _ code: String, _ description: String,
        headers: [(ByteText, ByteText)] = []
    ) -> HTTPResponse {
        let body = #"{"error":"\#(code)","error_description":"\#(description)"}"#
        return .json(status, Array(body.utf8), headers: headers)
    }
}
