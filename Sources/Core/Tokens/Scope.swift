/// The grammar of `scope` (RFC 6749 §3.3).
package enum Scope {
    /// Splits a scope text at its single spaces.
    ///
    /// - Returns: Nil where a token is empty or holds another character than
    ///   `%x21 / %x23-5B / %x5D-7E`.
    package static func parse(_ text: String) -> [String]? {
        if isToken(text) { return [text] }
        let space = UInt8(ascii: " ")
        let parts = text.utf8.split(separator: space, omittingEmptySubsequences: false)
        let tokens = parts.map { String(Substring($0)) }
        return tokens.allSatisfy(isToken) ? tokens : nil
    }

    /// Whether `text` may stand as one scope.
    package static func isToken(_ text: String) -> Bool {
        let bytes = text.utf8.span
        for index in 0..<bytes.count {
            switch bytes[index] {
            case 0x21, 0x23...0x5B, 0x5D...0x7E: break
            default: return false
            }
        }
        return !bytes.isEmpty
    }
}
