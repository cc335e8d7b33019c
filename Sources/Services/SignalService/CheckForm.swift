internal import Bytes
internal import HTTPMessages
internal import Signalling

/// The form of `POST /signal/check`, read as those of the token endpoint are: each member at most
/// once, an empty one counts as absent, an unknown one is ignored (RFC 6749 §3.2).
struct CheckForm {
    let token: ByteText?
    let client: ByteText?
    let room: ByteText?

    static let bodyBytesMax = 16_384
    private static let mediaType: ByteText = "application/x-www-form-urlencoded"

    init(_ request: HTTPRequest) throws(AdmissionRefusal) {
        guard request.body.count <= Self.bodyBytesMax else {
            throw .tooLarge(bytesMax: Self.bodyBytesMax)
        }
        try Self.checkContentType(request.headers)
        try Self.checkQuery(request.query)
        var found: [ByteText: ByteText] = [:]
        for (name, value) in try Self.pairs("body", request.body.span) where !value.isEmpty {
            guard found.updateValue(value, forKey: name) == nil else {
                throw .invalidRequest("\(Self.printable(name)) occurs more than once")
            }
        }
        token = found["token"]
        client = found["client"]
        room = found["room"]
        guard room.map({ $0.utf8.count <= MessageReader.textBytesMax }) ?? true else {
            throw .invalidRequest("room must have at most \(MessageReader.textBytesMax) bytes")
        }
    }

    /// A name as it may stand in an error text: those that are read, and what is as plain.
    private static func printable(_ name: ByteText) -> String {
        name.utf8.count <= 64 && FieldGrammar.isToken(name) ? name.string : "a member"
    }

    private static func pairs(
        _ place: String, _ bytes: Span<UInt8>
    ) throws(AdmissionRefusal) -> [(name: ByteText, value: ByteText)] {
        do throws(FormError) {
            return try FormFields.parse(bytes)
        } catch {
            throw .invalidRequest("the \(place) is no form: \(error)")
        }
    }

    /// URIs are logged by whatever a request passes.
    private static func checkQuery(_ query: ByteText?) throws(AdmissionRefusal) {
        guard let query, !query.isEmpty else { return }
        guard try !pairs("query string", query.utf8.span).contains(where: { $0.name == "token" })
        else { throw .invalidRequest("token must not stand in the URI: send it in the form") }
    }

    private static func checkContentType(_ headers: HeaderFields) throws(AdmissionRefusal) {
        let field = headers.find("Content-Type")
        guard field.count == 1, let value = field.first, MediaType.matches(value, mediaType) else {
            throw .invalidRequest("Content-Type must be there once, and be \(mediaType) in UTF-8")
        }
    }
}
