import Bytes
import Clients
import HTTPMessages
import Identifiers

/// The parameters of a request as sent: each at most once, an empty one counts as absent, an
/// unknown one is ignored (RFC 6749 §3.2).
struct OAuthForm {
    private var fields: [(parameter: FormParameter, value: ByteText)] = []
    /// Whether some parameter is there more than once.
    private var hasRepeated = false

    private static let secrets = FormParameter.secrets.map { ByteText($0.rawValue) }

    /// Of a request that may come without a body.
    init(optional request: borrowing HTTPRequest) throws(OAuthRefusal) {
        if request.body.isEmpty, !request.headers.contains("Content-Type") {
            self.init()
            try Self.checkQuery(of: request)
        } else {
            try self.init(request)
        }
    }

    /// Without any parameter.
    private init() {}

    init(_ request: borrowing HTTPRequest) throws(OAuthRefusal) {
        var unknown: Set<ByteText> = []
        for (name, value) in try Self.members(of: request) {
            if let parameter = FormParameter(named: name) {
                try add(parameter, value)
                continue
            }
            guard unknown.insert(name).inserted else { throw Self.repeated(name) }
        }
        guard hasRepeated, self[.grantType].flatMap(GrantType.init(named:)) != .tokenExchange else {
            return
        }
        for parameter in FormParameter.repeatable where values(parameter).count > 1 {
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

    var clientID: ClientID? { self[.clientID].map { ClientID($0) } }

    /// All values, of one that may be repeated.
    func values(_ parameter: FormParameter) -> [ByteText] {
        fields.filter { $0.parameter == parameter }.map(\.value)
    }

    private mutating func add(
        _ parameter: FormParameter, _ value: ByteText
    ) throws(OAuthRefusal) {
        if self[parameter] != nil {
            guard FormParameter.repeatable.contains(parameter) else {
                throw Self.repeated(ByteText(parameter.rawValue))
            }
            hasRepeated = true
        }
        fields.append((parameter, value))
    }

    private static func repeated(_ name: ByteText) -> OAuthRefusal {
        .invalidRequest("\(OAuthText.quoted(name)) occurs more than once")
    }

    private static func members(
        of request: borrowing HTTPRequest
    ) throws(OAuthRefusal) -> [(name: ByteText, value: ByteText)] {
        do throws(PostedFormError) {
            return try PostedForm(request, secrets: secrets).members
        } catch {
            throw refusal(error)
        }
    }

    private static func checkQuery(of request: borrowing HTTPRequest) throws(OAuthRefusal) {
        do throws(PostedFormError) {
            try PostedForm.checkQuery(request.query, secrets: secrets)
        } catch {
            throw refusal(error)
        }
    }

    private static func refusal(_ error: PostedFormError) -> OAuthRefusal {
        switch error {
        case .tooLarge(let bytesMax): .tooLarge(bytesMax: bytesMax)
        case .wrongType(let text, let found):
            .invalidRequest(text + (found.map { ", not \(OAuthText.quoted($0))" } ?? ""))
        case .malformed(let text): .invalidRequest(text)
        }
    }
}
