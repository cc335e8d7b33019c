import Bytes
import HTTPMessages
import StrictJSON

/// Reads a viewer-request event, and names what in it is not as CloudFront would send it.
enum ViewerEvent {
    static let requestBytesMax = 20_480
    static let targetBytesMax = 8_191
    /// 40 KiB, plain and in base64.
    static let textBodyBytesMax = 40_960
    static let base64BodyBytesMax = 54_616

    private static let root = "Records[0].cf"
    private static let requestPath = "\(root).request"

    /// The checked `request` object, its headers aside.
    static func request(in event: JSONValue) throws(ViewerRequestError) -> JSONObject {
        let top = try object(event, "the top level")
        guard let records = top["Records"]?.array, records.count == 1 else {
            throw .invalidMember(path: "Records", expected: "an array of one record")
        }
        let record = try object(records[0], "Records[0]")
        let cf = try object(record["cf"], root)
        try checkConfig(try object(cf["config"], "\(root).config"))
        let request = try object(cf["request"], requestPath)
        try checkLine(request)
        if let body = request["body"] { try checkBody(try object(body, "\(requestPath).body")) }
        try checkSize(of: request)
        return request
    }

    /// The checked `headers` object.
    static func headers(of request: JSONObject) throws(ViewerRequestError) -> JSONObject {
        let path = "\(requestPath).headers"
        let headers = try object(request["headers"], path)
        for member in headers.members {
            let (name, place) = (member.name, "\(path).\(shown(member.name))")
            try expect(
                FieldGrammar.isToken(name) && FieldGrammar.lowercased(name) == name, place,
                "a field name in lower case")
            try checkEntries(member.value, name: name, place)
        }
        return headers
    }

    /// The fields of a checked `headers` object.
    static func fields(_ headers: JSONObject) -> HeaderFields {
        var fields = HeaderFields()
        for member in headers.members {
            for entry in member.value.array ?? [] {
                fields.add(member.name, entry.object?["value"]?.string ?? "")
            }
        }
        return fields
    }

    /// What CloudFront limits in what it sends and in what it takes back.
    static func checkSize(of request: JSONObject) throws(ViewerRequestError) {
        func count(_ name: ByteText) -> Int { request[name]?.string?.count ?? 0 }
        let target = count("uri") + count("querystring")
        guard target <= targetBytesMax else {
            throw .tooLarge(path: "\(requestPath).uri with querystring", bytesMax: targetBytesMax)
        }
        let header = fields(request["headers"]?.object ?? JSONObject()).fields.reduce(0) {
            $0 + $1.name.count + $1.value.count + 4  // ": " and the line's end.
        }
        guard count("method") + target + header <= requestBytesMax else {
            throw .tooLarge(path: requestPath, bytesMax: requestBytesMax)
        }
    }

    private static func checkConfig(_ config: JSONObject) throws(ViewerRequestError) {
        for name: ByteText in ["distributionDomainName", "distributionId", "requestId"] {
            let isString = config[name].map { $0.string != nil } ?? true
            try expect(isString, "\(root).config.\(name)", "a string")
        }
        try expect(
            config["eventType"]?.string == "viewer-request", "\(root).config.eventType",
            "\"viewer-request\"")
    }

    private static func checkLine(_ request: JSONObject) throws(ViewerRequestError) {
        func check(
            _ name: ByteText, _ expected: String, _ isGood: (ByteText) -> Bool
        ) throws(ViewerRequestError) {
            let holds = request[name]?.string.map(isGood) == true
            try expect(holds, "\(requestPath).\(name)", expected)
        }
        try check("clientIp", "an IP address") { IPAddress($0.string) != nil }
        try check("method", "an HTTP method") { FieldGrammar.isToken($0) }
        try check("uri", "a path that starts with / and holds no ?, space or control character") {
            $0.utf8.first == UInt8(ascii: "/") && isVisible($0)
                && !$0.utf8.contains(UInt8(ascii: "?"))
        }
        try check("querystring", "a string without the leading ?, empty where there is none") {
            $0.utf8.first != UInt8(ascii: "?") && isVisible($0)
        }
    }

    private static func checkEntries(
        _ value: JSONValue, name: ByteText, _ path: String
    ) throws(ViewerRequestError) {
        let entries = value.array ?? []
        try expect(!entries.isEmpty, path, "an array of {key, value} objects")
        try expect(
            entries.count == 1 || !EdgeHeaders.isSingle(name), path,
            "an array of one {key, value} object")
        for (index, entry) in entries.enumerated() {
            let entry = try object(entry, "\(path)[\(index)]")
            let isNamed = entry["key"].map { $0.string?.equalsIgnoringCase(name) == true } ?? true
            try expect(isNamed, "\(path)[\(index)].key", "the field's name in any case")
            try expect(
                entry["value"]?.string.map(FieldGrammar.isFieldValue) == true,
                "\(path)[\(index)].value", "a string without control characters")
        }
    }

    private static func checkBody(_ body: JSONObject) throws(ViewerRequestError) {
        let path = "\(requestPath).body"
        try expect(
            body["inputTruncated"]?.bool != nil, "\(path).inputTruncated", "true or false")
        let (action, encoding) = (body["action"]?.string, body["encoding"]?.string)
        try expect(
            action == "read-only" || action == "replace", "\(path).action",
            "\"read-only\" or \"replace\"")
        let isBase64 = encoding == "base64"
        try expect(
            isBase64 || encoding == "text", "\(path).encoding", "\"base64\" or \"text\"")
        guard let data = body["data"]?.string, !isBase64 || Base64.decode(data.utf8.span) != nil
        else {
            throw .invalidMember(
                path: "\(path).data", expected: isBase64 ? "a string of base64" : "a string")
        }
        let bytesMax = isBase64 ? base64BodyBytesMax : textBodyBytesMax
        guard data.count <= bytesMax else {
            throw .tooLarge(path: "\(path).data", bytesMax: bytesMax)
        }
    }

    private static func expect(
        _ holds: Bool, _ path: @autoclosure () -> String, _ expected: String
    ) throws(ViewerRequestError) {
        guard holds else { throw .invalidMember(path: path(), expected: expected) }
    }

    private static func object(
        _ value: JSONValue?, _ path: String
    ) throws(ViewerRequestError) -> JSONObject {
        guard let object = value?.object else {
            throw .invalidMember(path: path, expected: "an object")
        }
        return object
    }

    private static func isVisible(_ text: ByteText) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }

    /// A name from the event, fit for an error text.
    private static func shown(_ name: ByteText) -> String {
        let plain = name.utf8.prefix(64).filter(FieldGrammar.isTokenByte)
        return String(decoding: plain, as: UTF8.self)
    }
}
