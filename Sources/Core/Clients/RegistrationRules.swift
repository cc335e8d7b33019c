import Bytes
internal import HTTPMessages
import Identifiers
import Tokens

/// The checks that a registration and a change of it share.
///
/// Each returns the value as it is kept, doubled entries dropped, or throws a `RegistrationError`
/// naming the member, the value and what was expected.
enum RegistrationRules {
    static func name(_ text: String) throws(RegistrationError) -> String {
        try RegistrationError.unless(
            TextRules.isLabel(ByteText(text)), "name", text,
            expected: "1 to 256 bytes of UTF-8 without control characters")
        return text
    }

    static func lifetime(_ seconds: Int64) throws(RegistrationError) -> Int64 {
        try RegistrationError.unless(
            (1...Client.lifetimeSecondsCeiling).contains(seconds), "lifetime", String(seconds),
            expected: "seconds, 1 to \(Client.lifetimeSecondsCeiling)")
        return seconds
    }

    static func assertionKeys(_ keys: [PublicKey]) throws(RegistrationError) -> [PublicKey] {
        try RegistrationError.unless(
            keys.count <= NewClient.keysMax, "key", "\(keys.count) keys",
            expected: "at most \(NewClient.keysMax)")
        var kept: [PublicKey] = []  // At most eight, so that looking through them is cheap.
        for key in keys where !kept.contains(key) {
            try RegistrationError.unless(
                !key.algorithm.isSymmetric, "key", key.keyID,
                expected: "a public key: EC on P-256, RSA or Ed25519")
            try RegistrationError.unless(
                !kept.contains { ByteText($0.keyID) == ByteText(key.keyID) }, "key", key.keyID,
                expected: "a kid that no other key has")
            kept.append(key)
        }
        return kept
    }

    static func rooms(_ texts: [String]) throws(RegistrationError) -> [RoomPattern] {
        try checkSize(of: texts, member: "rooms")
        var patterns: [RoomPattern] = []
        for text in texts {
            do throws(RoomPatternError) {
                patterns.append(try RoomPattern(text))
            } catch {
                throw RegistrationError(
                    member: "rooms", value: text,
                    expected: "1 to 256 bytes without white space, \"*\" only as last character")
            }
        }
        return patterns.uniqued()
    }

    static func origins(_ texts: [ByteText]) throws(RegistrationError) -> [ByteText] {
        try checkSize(of: texts.map(\.string), member: "origin", bytesMax: NewClient.listMax * 256)
        var origins: [ByteText] = []
        for text in texts {
            do throws(OriginError) {
                origins.append(try Origin.validate(text))
            } catch {
                throw RegistrationError(
                    member: "origin", value: text.string,
                    expected: "an origin such as \(error.example)")
            }
        }
        return origins.uniqued()
    }

    static func introspects(_ ids: [ClientID]) throws(RegistrationError) -> [ClientID] {
        try checkSize(
            of: ids.map(\.string), member: "introspect", bytesMax: NewClient.listMax * 64)
        for id in ids {
            try RegistrationError.unless(
                id.isPlausible, "introspect", id.string, expected: "the id of a client, or *")
        }
        return ids.uniqued()
    }

    static func scopes(_ texts: [ByteText]) throws(RegistrationError) -> [ByteText] {
        try checkSize(of: texts.map(\.string), member: "scope")
        for text in texts {
            try RegistrationError.unless(
                TextRules.isScope(text), "scope", text.string,
                expected: "one scope of 1 to 64 printable ASCII characters without white space, "
                    + "quotation mark and backslash (RFC 6749 §3.3)")
        }
        return texts.uniqued()
    }

    private static func checkSize(
        of texts: [String], member: ByteText, bytesMax: Int = NewClient.listBytesMax
    ) throws(RegistrationError) {
        try RegistrationError.unless(
            texts.count <= NewClient.listMax, member, "\(texts.count) values",
            expected: "at most \(NewClient.listMax)")
        let bytes = texts.reduce(0) { $0 + $1.utf8.count }
        try RegistrationError.unless(
            bytes <= bytesMax, member, "\(bytes) bytes",
            expected: "at most \(bytesMax) bytes in all")
    }
}
