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

    func methods(of path: String) -> [String] {
        (paths[path]?.object?.members ?? []).map { $0.name.uppercased() }
    }

    func operation(_ method: String, _ path: String) -> JSONObject? {
        paths[path]?.object?[method.lowercased()]?.object
    }

    /// Names of the form's fields, or of the JSON body's members.
    func parameters(of path: String) -> [String] {
        let body = operation("POST", path)?["requestBody"]?.object?["content"]?.object
        let media = body?.members.first?.value.object
        let properties = media?["schema"]?.object?["properties"]?.object?.members ?? []
        return properties.map(\.name)
    }

    /// What a reference within the document leads to, or the object itself.
    func resolved(_ value: JSONValue?) -> JSONObject? {
        guard let reference = value?.object?["$ref"]?.string else { return value?.object }
        let steps = reference.split(separator: "/").dropFirst()
        return steps.reduce(json) { $0?[String($1)]?.object }
    }

    /// Checks that an answer is one that the document tells of. Every test that sends something
    /// comes through here.
    func check(_ method: String, _ path: String, _ response: HTTPResponse) {
        guard paths[path] != nil else { return }
        guard let operation = operation(method, path) else {
            #expect(response.status == 405, "\(method) \(path) is not in docs/openapi.json")
            return
        }
        let documented = resolved(operation["responses"]?.object?[String(response.status)])
        #expect(documented != nil, "\(response.status) of \(method) \(path) is not documented")
        let content = documented?["content"]?.object
        if !response.body.isEmpty, method != "HEAD", response.status != 405 {
            let type = response.headers["Content-Type"] ?? ""
            let media = type.split(separator: ";").first.map(String.init) ?? ""
            #expect(content?[media] != nil, "\(media) of \(method) \(path) is not documented")
        }
        guard let error = response.error else { return }
        let schema = content?["application/json"]?.object?["schema"]?.object
        let known = schema?["properties"]?.object?["error"]?.object?["enum"]?.array ?? []
        #expect(known.contains(.string(error)), "\(error) of \(method) \(path)")
    }
}
