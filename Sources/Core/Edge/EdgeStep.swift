internal import Access
package import Bytes
package import HTTPMessages

/// The edge step: a session cookie becomes an `Authorization` header, so that nothing behind it
/// knows cookies.
///
/// Where the cookie is present, its value replaces every client-sent `Authorization` and the
/// cookie is taken off; without it, `Authorization` passes unchanged, whatever its scheme. The
/// step looks at form and size alone, never at the signature. It is a pure function and may run
/// at any edge; whoever runs it behind another one finds the cookie gone and changes nothing.
package struct EdgeStep: Equatable, Sendable {
    package let cookieName: ByteText
    package let valueBytesMax: Int

    /// - Parameters:
    ///   - cookieName: A token (RFC 6265bis §4.1.1): check input with `isCookieName` first.
    ///   - valueBytesMax: The longest value taken. With its name and attributes a cookie is at
    ///     most 4096 bytes in browsers.
    package init(cookieName: ByteText, valueBytesMax: Int = 3584) {
        precondition(Self.isCookieName(cookieName), "a cookie's name is a token")
        self.cookieName = cookieName
        self.valueBytesMax = valueBytesMax
    }

    package static func isCookieName(_ text: ByteText) -> Bool {
        FieldGrammar.isToken(text) && text.count <= 256
    }

    /// Applies the step. The order of the other fields is kept.
    package func apply(_ headers: HeaderFields) throws(EdgeRefusal) -> EdgeResult {
        let headers = withoutLookalikes(headers)
        guard let token = try cookie(in: headers) else {
            guard headers.values("Authorization").count <= 1 else { throw .authorizationRepeated }
            return EdgeResult(headers: headers, fromCookie: false)
        }
        var rewritten = Cookies.removing(named: cookieName, from: headers)
        rewritten.set("Authorization", "Bearer \(token)")
        return EdgeResult(headers: rewritten, fromCookie: true)
    }

    /// The same in front of routes of which only some use the cookie: what is wrong with it becomes
    /// part of the result, and matters to those alone. `Authorization` is the client's own then.
    package func prepare(_ headers: HeaderFields) -> EdgeResult {
        do throws(EdgeRefusal) {
            return try apply(headers)
        } catch {
            let rest = Cookies.removing(named: cookieName, from: withoutLookalikes(headers))
            return EdgeResult(headers: rest, fromCookie: false, refusal: error)
        }
    }

    /// The cookie's value, checked; nil where there is no such cookie.
    private func cookie(in headers: HeaderFields) throws(EdgeRefusal) -> ByteText? {
        let values = Cookies.values(named: cookieName, in: headers)
        guard values.count <= 1 else { throw .cookieRepeated(name: cookieName) }
        guard let found = values.first else { return nil }
        guard !found.isEmpty else { throw .cookieEmpty(name: cookieName) }
        guard found.count <= valueBytesMax else {
            throw .cookieTooLong(name: cookieName, bytesMax: valueBytesMax)
        }
        guard BearerGrammar.isToken(found) else { throw .cookieMalformed(name: cookieName) }
        return found
    }

    /// Takes off fields that a CGI-like server behind us would read as `Authorization` or
    /// `Cookie` though HTTP does not: those whose name differs in hyphens and underscores.
    private func withoutLookalikes(_ headers: HeaderFields) -> HeaderFields {
        guard headers.fields.contains(where: Self.isLookalike) else { return headers }
        return HeaderFields(fields: headers.fields.filter { !Self.isLookalike($0) })
    }

    private static func isLookalike(_ field: HeaderFields.Field) -> Bool {
        imitated.contains { wanted in
            field.name.count > wanted.count && imitates(field.name.utf8.span, wanted.utf8.span)
        }
    }

    /// Whether a longer name is this one but for fillers, and the case of letters.
    private static func imitates(_ name: Span<UInt8>, _ wanted: Span<UInt8>) -> Bool {
        var matched = 0
        for index in name.indices where !isFiller(name[index]) {
            guard matched < wanted.count,
                FieldGrammar.lowercased(name[index]) == wanted[matched]
            else { return false }
            matched += 1
        }
        return matched == wanted.count
    }

    private static let imitated: [ByteText] = ["authorization", "cookie"]

    private static func isFiller(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}

/// What the edge step made of a request's header.
package struct EdgeResult: Equatable, Sendable {
    package let headers: HeaderFields
    /// Whether `Authorization` holds what the cookie held: then Origin must be checked, since a
    /// browser sends the cookie whichever page asks (RFC 6750 §5.3).
    package let fromCookie: Bool
    /// Why the cookie cannot be used, for whoever would.
    package let refusal: EdgeRefusal?

    package init(headers: HeaderFields, fromCookie: Bool, refusal: EdgeRefusal? = nil) {
        self.headers = headers
        self.fromCookie = fromCookie
        self.refusal = refusal
    }
}
