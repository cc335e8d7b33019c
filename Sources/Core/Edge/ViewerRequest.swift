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
        let headers = try ViewerEvent.headers(of: request)
            .compactMapValues { EdgeHeaders.isWithheld($0.name) ? nil : $0.value }
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
        let old = valuesByName(before)
        var new = valuesByName(after)
        var merged = headers.compactMapValues { member in
            let values = new.removeValue(forKey: member.name)
            guard values != old[member.name] else { return member.value }
            return values.map { entries(member.name, $0) }
        }
        // What the step adds: Authorization at most.
        for (name, values) in new { merged[name] = entries(name, values) }
        return merged
    }

    private static func valuesByName(_ fields: HeaderFields) -> [ByteText: [ByteText]] {
        var values: [ByteText: [ByteText]] = [:]
        for field in fields.fields {
            values[FieldGrammar.lowercased(field.name), default: []].append(field.value)
        }
        return values
    }

    private static func entries(_ name: ByteText, _ values: [ByteText]) -> JSONValue {
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
