package import Bytes

/// Why an `Authorization` field holds no Basic credentials. Carries nothing of the field.
package enum BasicCredentialsError: Error, Equatable, Sendable, CustomStringConvertible {
    case notBasic
    case invalidBase64
    case missingColon
    case invalidForm

    package var description: String {
        switch self {
        case .notBasic: "Authorization: the scheme is not Basic"
        case .invalidBase64: "Authorization: what follows Basic is not base64 with its padding"
        case .missingColon: "Authorization: no colon between client_id and client_secret"
        case .invalidForm:
            "Authorization: client_id and client_secret must be form-urlencoded UTF-8 "
                + "(RFC 6749 section 2.3.1)"
        }
    }
}

/// A client's id and secret in `Authorization: Basic` (RFC 7617 §2, RFC 6749 §2.3.1).
package enum BasicCredentials {
    /// Whether the field's scheme is Basic, so that `parse` should be asked.
    package static func isBasic(authorization: ByteText) -> Bool {
        let field = authorization.utf8.span
        let end = field.firstIndex(of: 0x20, in: 0..<field.count) ?? field.count
        let scheme: ByteText = "Basic"
        return field.extracting(..<end).equalsIgnoringCase(scheme.utf8.span)
    }

    /// Decodes the field's value: base64 first, then the form encoding of each part.
    /// The first colon separates: one within the id or the secret is percent-encoded.
    package static func parse(
        authorization: ByteText
    ) throws(BasicCredentialsError) -> (id: ByteText, secret: ByteText) {
        guard isBasic(authorization: authorization) else { throw .notBasic }
        let field = authorization.utf8.span
        let encoded = FieldGrammar.trimmed(field, "Basic".utf8.count..<field.count)
        guard !encoded.isEmpty, let bytes = Base64.decode(field.extracting(encoded)) else {
            throw .invalidBase64
        }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { throw .missingColon }
        do {
            let id = try FormFields.decode(bytes.span.extracting(..<colon))
            let secret = try FormFields.decode(bytes.span.extracting((colon + 1)...))
            return (id, secret)
        } catch { throw .invalidForm }
    }
}
