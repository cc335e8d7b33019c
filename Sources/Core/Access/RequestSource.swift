package import Bytes
package import HTTPMessages

/// Where a request comes from, as the browser that sent it says. What leans on a cookie must ask,
/// since a browser sends the cookie whichever page asks (RFC 6750 §5.3).
package enum RequestSource {
    /// What is wrong with `Origin`. The raw value goes to the log.
    package enum OriginFault: String, Sendable {
        case missing = "origin_missing"
        case repeated = "origin_repeated"
        case notAllowed = "origin_not_allowed"
    }

    /// Whether a page that may has sent it: one of the very origin it asks (`Sec-Fetch-Site`, which
    /// no page can set), or one of those allowed, by `Origin`. Where neither says so, nobody has.
    package static func isOwn(_ headers: HeaderFields, allowed: [ByteText]) -> Bool {
        let sites = headers.values("Sec-Fetch-Site")
        if sites == ["same-origin"] { return headers.find("Origin").count <= 1 }
        return originFault(headers, allowed: allowed) == nil
    }

    /// Nil where `Origin` is there once and one of those allowed, exactly.
    package static func originFault(
        _ headers: HeaderFields, allowed: [ByteText]
    ) -> OriginFault? {
        let (origin, count) = headers.find("Origin")
        guard let origin else { return .missing }
        guard count == 1 else { return .repeated }
        return Origin.isAllowed(origin: origin, allowed: allowed) ? nil : .notAllowed
    }
}
