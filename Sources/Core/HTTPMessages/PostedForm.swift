package import Bytes

/// Why a request's body is no form that is taken. Its text names the member at fault.
package enum PostedFormError: Error, Equatable, Sendable {
    case tooLarge(bytesMax: Int)
    /// `Content-Type` is missing, repeated or another one, which is `found`.
    case wrongType(String, found: ByteText?)
    case malformed(String)

    package var text: String {
        switch self {
        case .tooLarge(let bytesMax): "the body must have at most \(bytesMax) bytes"
        case .wrongType(let text, _), .malformed(let text): text
        }
    }
}

/// A form that is a request's body (RFC 6749 §3.2, Appendix B): at most 16 KiB of it.
package struct PostedForm: Sendable {
    /// As they were sent, repetitions included, without those that are empty: they count as absent.
    package let members: [(name: ByteText, value: ByteText)]

    private static let bodyBytesMax = 16_384
    private static let mediaType: ByteText = "application/x-www-form-urlencoded"

    /// - Parameters:
    ///   - request: Its body is the form.
    ///   - secrets: Names that must not stand in the query string, since URIs are logged by
    ///     whatever a request passes.
    /// - Throws: `PostedFormError` for a body, a type or a query string that is not taken.
    package init(
        _ request: borrowing HTTPRequest, secrets: [ByteText]
    ) throws(PostedFormError) {
        guard request.body.count <= Self.bodyBytesMax else {
            throw .tooLarge(bytesMax: Self.bodyBytesMax)
        }
        guard MediaType.isOnly(Self.mediaType, in: request.headers) else {
            throw .wrongType(
                "Content-Type must be there once, and be \(Self.mediaType) in UTF-8",
                found: request.headers["Content-Type"])
        }
        try Self.checkQuery(request.query, secrets: secrets)
        var members = try Self.pairs("body", request.body.span)
        members.removeAll { $0.value.isEmpty }
        self.members = members
    }

    package static func checkQuery(
        _ query: ByteText?, secrets: [ByteText], elsewhere: String = "in the body"
    ) throws(PostedFormError) {
        guard let query, !query.isEmpty else { return }
        for (name, _) in try pairs("query string", query.utf8.span) where secrets.contains(name) {
            throw .malformed(
                "\(name) must not stand in the URI, since URIs are logged: send it "
                    + "\(elsewhere), and replace what was sent")
        }
    }

    private static func pairs(
        _ place: String, _ bytes: Span<UInt8>
    ) throws(PostedFormError) -> [(name: ByteText, value: ByteText)] {
        do throws(FormError) {
            return try FormFields.parse(bytes)
        } catch {
            throw .malformed("the \(place) is no form: \(error)")
        }
    }
}
