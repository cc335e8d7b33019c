import Bytes
import Clients
import HTTPMessages

/// The parameters of a request as sent: each at most once, an empty one counts as absent, an
/// unknown one is ignored (RFC 6749 §3.2).
struct OAuthForm {
    private var fields: [(parameter: FormParameter, value: ByteText)] = []

    private static let bodyBytesMax = 16_384
    private static let mediaType: ByteText = "application/x-www-form-urlencoded"

    /// Of a request that may come without a body.
    init(optional request: borrowing HTTPRequest) throws(OAuthRefusal) {
        if request.body.isEmpty, !request.headers.contains("Content-Type") {
            self.init()
            try Self.checkQuery(request.query)
        } else {
            try self.init(request)
        }
    }

    /// Without any parameter.
    private init() {}

    init(_ request: borrowing HTTPRequest) throws(OAuthRefusal) {
        guard request.body.count <= Self.bodyBytesMax else {
            throw .tooLarge(bytesMax: Self.bodyBytesMax)
        }
        try Self.checkContentType(request.headers)
        try Self.checkQuery(request.query)
        var unknown: Set<ByteText> = []
        for (name, value) in try Self.pairs("body", request.body.span)
        where !value.isEmpty {
            if let parameter = FormParameter(named: name) {
                try add(parameter, value)
                continue
            }
            guard unknown.insert(name).inserted else { throw Self.repeated(name) }
        }
        guard self[.grantType].flatMap(GrantType.init(named:)) != .tokenExchange else { return }
        for parameter in FormParameter.repeatable where isRepeated(parameter) {
            throw Self.repeated(ByteText(parameter.rawValue))
        }
    }

    /// The value, or the first of several; nil where there is none.
    subscript(parameter: FormParameter) -> ByteText? {
        for index in fields.indices where fields[index].parameter == parameter {
            return fields[index].value
        }
        return nil
    }

    /// All values, of one that may be repeated.
    func values(_ parameter: FormParameter) -> [ByteText] {
        fields.filter { $0.parameter == parameter }.map(\.value)
    }

    private func isRepeated(_ parameter: FormParameter) -> Bool {
        var count = 0
        for index in fields.indices where fields[index].parameter == parameter { count += 1 }
        return count > 1
    }

    private mutating func add(
        _ parameter: FormParameter, _ value: ByteText
    ) throws(OAuthRefusal) {
        guard self[parameter] == nil || FormParameter.repeatable.contains(parameter) else {
            throw Self.repeated(ByteText(parameter.rawValue))
        }
        fields.append((parameter, value))
    }

    private static func repeated(_ name: ByteText) -> OAuthRefusal {
        .invalidRequest("\(OAuthText.quoted(name)) occurs more than once")
    }

    private static func pairs(
        _ place: String, _ bytes: Span<UInt8>
    ) throws(OAuthRefusal) -> [(name: ByteText, value: ByteText)] {
        do throws(FormError) {
            return try FormFields.parse(bytes)
        } catch {
            throw .invalidRequest("the \(place) is no form: \(error)")
        }
    }

    private static func checkQuery(_ query: ByteText?) throws(OAuthRefusal) {
        guard let query, !query.isEmpty else { return }
        for (name, _) in try pairs("query string", query.utf8.span) {
            guard let parameter = FormParameter(named: name),
                FormParameter.secrets.contains(parameter)
            else { continue }
            throw .invalidRequest(
                "\(name) must not stand in the URI; replace what was sent, since URIs are logged")
        }
    }

    private static func checkContentType(_ headers: HeaderFields) throws(OAuthRefusal) {
        let field = headers.find("Content-Type")
        guard field.count == 1, let value = field.first else {
            throw .invalidRequest(
                "one Content-Type is needed, and it must be \(mediaType)")
        }
        guard MediaType.matches(value, mediaType) else {
            throw .invalidRequest(
                "Content-Type must be \(mediaType) in UTF-8, not \(OAuthText.quoted(value))")
        }
    }
}
