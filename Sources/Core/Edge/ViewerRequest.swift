import Bytes
import HTTPMessages
import StrictJSON

/// The edge step in the form of a Lambda@Edge viewer-request function: an event in, and out what
/// the function would return.
package enum ViewerRequest {
    /// Bytes of an event at most: 20,480 of the request, its body, and as much again for JSON.
    package static let eventBytesMax = 256 * 1024

    /// Applies the step to an event.
    ///
    /// Returns the rewritten `Records[0].cf.request`, or, where the step refuses, a response
    /// object with status 400. Header fields that CloudFront neither shows nor takes from such a
    /// function are left out; the others, and members that we do not know, stay as they were.
    package static func rewrite(
        event: [UInt8], step: EdgeStep
    ) throws(ViewerRequestError) -> [UInt8] {
        let value: JSONValue
        do {
            value = try JSONValue.parse(event, limits: JSONLimits(bytesMax: eventBytesMax))
        } catch { throw .invalidJSON(error) }
        var request = try ViewerEvent.request(in: value)
        var headers = try ViewerEvent.headers(of: request)
        for member in headers.members where EdgeHeaders.isWithheld(member.name.string) {
            headers[member.name] = nil
        }
        let fields = ViewerEvent.fields(headers)
        do {
            let result = try step.apply(fields)
            request["headers"] = .object(merge(headers, before: fields, after: result.headers))
        } catch { return refusal(error).serialized() }
        try ViewerEvent.checkSize(of: request)
        return JSONValue.object(request).serialized()
    }

    /// Changes only the names whose values the step has changed.
    private static func merge(
        _ headers: JSONObject, before: HeaderFields, after: HeaderFields
    ) -> JSONObject {
        guard after != before else { return headers }
        var merged = headers
        var names = headers.members.map(\.name.string)
        for field in after.fields where !names.contains(FieldGrammar.lowercased(field.name)) {
            names.append(FieldGrammar.lowercased(field.name))
        }
        for name in names {
            let values = after.values(name)
            guard values != before.values(name) else { continue }
            merged[ByteText(name)] = values.isEmpty ? nil : entries(name, values)
        }
        return merged
    }

    private static func entries(_ name: String, _ values: [String]) -> JSONValue {
        .array(values.map { ["key": .string(EdgeHeaders.titleCased(name)), "value": .string($0)] })
    }

    private static func refusal(_ refusal: EdgeRefusal) -> JSONValue {
        let body = String(decoding: refusal.body.serialized(), as: UTF8.self)
        return [
            "status": .string(String(EdgeRefusal.status)),
            "statusDescription": "Bad Request",
            "headers": [
                "cache-control": entries("cache-control", ["no-store"]),
                "content-type": entries("content-type", ["application/json"]),
                "x-content-type-options": entries("x-content-type-options", ["nosniff"]),
            ],
            "body": .string(body),
        ]
    }
}
