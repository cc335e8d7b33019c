import HTTPMessages
import Tokens

/// What `Content-Type` says (RFC 9110 §8.3.1).
enum MediaType {
    /// Whether `value` is `expected`, with no charset or with UTF-8.
    static func matches(_ value: String, _ expected: String) -> Bool {
        if value.hasSameBytes(as: expected) { return true }
        var parts = value.split(separator: ";", omittingEmptySubsequences: false)[...]
            .map(FieldGrammar.trimmed)
        guard FieldGrammar.areSameName(parts.removeFirst(), expected) else { return false }
        return parts.allSatisfy { part in
            let isCharset = FieldGrammar.areSameName(part.prefix(8), "charset=")
            let charset = part.dropFirst(8)
            return !isCharset || FieldGrammar.areSameName(charset, "utf-8")
                || FieldGrammar.areSameName(charset, "\"utf-8\"")
        }
    }
}
