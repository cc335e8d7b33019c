import Bytes
import Foundation
import HTTPMessages
import StrictJSON
import Testing

/// `docs/openapi.json` as it is checked in.
struct OpenAPIDocument: Sendable {
    static let shared = OpenAPIDocument()

    let json: JSONObject

    private init() {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let data = FileManager.default.contents(atPath: root.path + "/docs/openapi.json") ?? Data()
        json = (try? JSONValue.parse(Array(data)))?.object ?? JSONObject()
    }

    var paths: JSONObject { json["paths"]?.object ?? JSONObject() }

    /// Each with its operation. What all operations of a path share is no method.
    func operations(of path: String) -> [JSONObject.Member] {
        (paths[ByteText(path)]?.object?.members ?? []).filter { $0.name != "parameters" }
    }

    func methods(of path: String) -> [String] {
        operations(of: path).map { $0.name.string.uppercased() }
    }

    func operation(_ method: String, _ path: String) -> JSONObject? {
        paths[ByteText(path)]?.object?[ByteText(method.lowercased())]?.object
    }

    /// The path as the document writes it: a segment in braces stands for any other.
    private func listed(_ path: String) -> String? {
        guard paths[ByteText(path)] == nil, let slash = path.lastIndex(of: "/") else { return path }
        let folder = path[...slash]
        return paths.members.map(\.name.string).first {
            $0.hasPrefix(folder + "{") && $0.hasSuffix("}")
        }
    }

    /// Names of the form's fields, or of the JSON body's members.
    func parameters(of path: String, method: String = "POST") -> [String] {
        let body = operation(method, path)?["requestBody"]?.object?["content"]?.object
        let media = body?.members.first?.value.object
        return properties(of: media?["schema"])
    }

    /// Names of the members that a schema, or all that it is made of, tells of.
    private func properties(of schema: JSONValue?) -> [String] {
        let schema = resolved(schema)
        return (schema?["properties"]?.object?.members ?? []).map(\.name.string)
            + (schema?["allOf"]?.array ?? []).flatMap { properties(of: $0) }
    }

    /// What a reference within the document leads to, or the object itself.
    func resolved(_ value: JSONValue?) -> JSONObject? {
        guard let reference = value?.object?["$ref"]?.string?.string else { return value?.object }
        let steps = reference.split(separator: "/").dropFirst()
        return steps.reduce(json) { $0?[ByteText(String($1))]?.object }
    }

    /// Checks that an answer is one that the document tells of. Every test that sends something
    /// comes through here.
    func check(_ method: String, _ requested: String, _ response: HTTPResponse) {
        guard let path = listed(requested) else { return }
        guard let operation = operation(method, path) else {
            #expect(response.status == 405, "\(method) \(path) is not in docs/openapi.json")
            return
        }
        let documented = resolved(operation["responses"]?.object?["\(response.status)"])
        #expect(documented != nil, "\(response.status) of \(method) \(path) is not documented")
        let content = documented?["content"]?.object
        if !response.body.isEmpty, method != "HEAD", response.status != 405 {
            let type = response.headers["Content-Type"]?.string ?? ""
            let media = type.split(separator: ";").first.map(String.init) ?? ""
            #expect(
                content?[ByteText(media)] != nil, "\(media) of \(method) \(path) is not documented")
        }
        guard let error = response.error else { return }
        let schema = content?["application/json"]?.object?["schema"]?.object
        let known = schema?["properties"]?.object?["error"]?.object?["enum"]?.array ?? []
        #expect(known.contains(.string(error)), "\(error) of \(method) \(path)")
    }
}
