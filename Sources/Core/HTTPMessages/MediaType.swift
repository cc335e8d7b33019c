package import Bytes

/// What `Content-Type` says (RFC 9110 §8.3.1).
package enum MediaType {
    /// Whether `Content-Type` is there once, and matches.
    package static func isOnly(_ expected: ByteText, in headers: HeaderFields) -> Bool {
        let (value, count) = headers.find("Content-Type")
        return count == 1 && value.map { matches($0, expected) } == true
    }

    /// Whether `value` is `expected`, with no charset or with UTF-8.
    package static func matches(_ value: ByteText, _ expected: ByteText) -> Bool {
        if value == expected { return true }
        var parts = value.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
            .map(FieldGrammar.trimmed)
        guard parts.removeFirst().equalsIgnoringCase(expected) else { return false }
        return parts.allSatisfy { part in
            let part = FieldGrammar.lowercased(part)
            return !part.hasPrefix("charset=") || part == "charset=utf-8"
                || part == "charset=\"utf-8\""
        }
    }
}
