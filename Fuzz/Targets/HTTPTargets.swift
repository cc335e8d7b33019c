import Bytes
import Edge
import HTTPMessages

extension FuzzTarget {
    static let formBody = FuzzTarget(
        check: fuzzForm,
        work: { bytes in { _ = try? FormFields.parse(bytes.span) } },
        benign: {
            repeating("word+%C3%A9", between: "a=b&c=", and: "&d=e", count: $0.count)
        })

    static let basic = FuzzTarget(
        check: fuzzBasic,
        work: { bytes in
            let field = basicField(bytes)
            return { _ = try? BasicCredentials.parse(authorization: field) }
        },
        benign: { repeating("word", between: "id:", and: "", count: $0.count) })

    static let cookie = FuzzTarget(
        check: fuzzCookie,
        work: { bytes in
            let headers = cookieFields(bytes)
            let step = EdgeStep(cookieName: "__Host-usher")
            return { _ = try? step.apply(headers) }
        },
        benign: { repeating("name=value; ", between: "", and: "last=1", count: $0.count) })
}

/// What was read, written again in the plainest way, reads the same.
func fuzzForm(_ bytes: [UInt8]) {
    let pairs: [(name: ByteText, value: ByteText)]
    do throws(FormError) {
        pairs = try FormFields.parse(bytes.span)
    } catch {
        require(error.offset < bytes.count, "a form's error lies in the form")
        require(error.parameter.map(FieldGrammar.isToken) != false, "its parameter is a word")
        return
    }
    require(pairs.count <= FormFields.fieldsMax, "a form has a largest number of fields")
    let written = pairs.map { formEncoded($0.name.string) + "=" + formEncoded($0.value.string) }
    let again = mustTake("what we write we read") {
        try FormFields.parse(written.joined(separator: "&").utf8.span)
    }
    require(samePairs(pairs, again), "a form is the same after writing and reading")
}

/// The input is an Authorization field where it names a scheme, else what Basic would encode.
func fuzzBasic(_ bytes: [UInt8]) {
    guard let found = try? BasicCredentials.parse(authorization: basicField(bytes)) else { return }
    let pair = formEncoded(found.id.string) + ":" + formEncoded(found.secret.string)
    let again = mustTake("what we write we read") {
        try BasicCredentials.parse(authorization: "bAsIC \(base64(Array(pair.utf8)))")
    }
    require(
        found.id == again.id && found.secret == again.secret,
        "credentials are the same after writing and reading (RFC 6749 §2.3.1)")
}

private func basicField(_ bytes: [UInt8]) -> ByteText {
    let text = ByteText(String(decoding: bytes, as: UTF8.self))
    return BasicCredentials.isBasic(authorization: text) ? text : "Basic \(base64(bytes))"
}

/// The input's lines are header fields: `a` begins an Authorization, every other line a Cookie.
func fuzzCookie(_ bytes: [UInt8]) {
    let headers = cookieFields(bytes)
    let name: ByteText = "__Host-usher"
    let pairs = Cookies.pairs(in: headers)
    let kept = Cookies.removing(named: name, from: headers)
    let others = pairs.filter { $0.name != name }
    require(samePairs(Cookies.pairs(in: kept), others), "the other cookies stay as they were")

    guard let result = try? EdgeStep(cookieName: name).apply(headers) else { return }
    require(result.headers.values("Authorization").count <= 1, "one Authorization at most")
    require(
        !Cookies.pairs(in: result.headers).contains { $0.name == name }, "the cookie is taken off")
    let values = pairs.filter { $0.name == name }.map(\.value)
    require(result.fromCookie == (values.count == 1), "a repeated cookie never passes")
    if result.fromCookie {
        require(
            result.headers["Authorization"] == "Bearer \(values[0])",
            "the cookie replaces what the client sent")
    }
    let again = mustTake("the step takes its own result") {
        try EdgeStep(cookieName: name).apply(result.headers)
    }
    require(again.headers == result.headers && !again.fromCookie, "a second step changes nothing")
}

private func cookieFields(_ bytes: [UInt8]) -> HeaderFields {
    var headers = HeaderFields([("Host", "usher.example")])
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
        let isAuthorization = line.first == UInt8(ascii: "a")
        headers.add(
            isAuthorization ? "Authorization" : "cookie",
            ByteText(String(decoding: isAuthorization ? line.dropFirst() : line, as: UTF8.self)))
    }
    return headers
}

private func samePairs(
    _ one: [(name: ByteText, value: ByteText)], _ other: [(name: ByteText, value: ByteText)]
) -> Bool {
    one.count == other.count
        && zip(one, other).allSatisfy { $0.name == $1.name && $0.value == $1.value }
}

func formEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var encoded: [UInt8] = []
    for byte in text.utf8 {
        encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return String(decoding: encoded, as: UTF8.self)
}

func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
        let group = bytes[start..<min(start + 3, bytes.count)]
        let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
        for place in 0..<4 {
            let isPadding = place > group.count
            text.append(isPadding ? UInt8(ascii: "=") : alphabet[bits >> (18 - 6 * place) & 63])
        }
    }
    return String(decoding: text, as: UTF8.self)
}
