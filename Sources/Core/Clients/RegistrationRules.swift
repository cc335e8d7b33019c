import Bytes
internal import HTTPMessages
import Tokens

/// The checks that a registration and a change of it share.
///
/// Each returns the value as it is kept, doubled entries dropped, or throws a `RegistrationError`
/// naming the member, the value and what was expected.
enum RegistrationRules {
    static func name(_ text: String) throws(RegistrationError) -> String {
        guard TextRules.isLabel(ByteText(text)) else {
            throw RegistrationError(
                member: "name", value: text,
                expected: "1 to 256 bytes of UTF-8 without control characters")
        }
        return text
    }

    static func lifetime(_ seconds: Int64) throws(RegistrationError) -> Int64 {
        guard (1...Client.lifetimeSecondsCeiling).contains(seconds) else {
            throw RegistrationError(
                member: "lifetime", value: String(seconds),
                expected: "seconds, 1 to \(Client.lifetimeSecondsCeiling)")
        }
        return seconds
    }

    static func assertionKeys(_ keys: [PublicKey]) throws(RegistrationError) -> [PublicKey] {
        guard keys.count <= NewClient.keysMax else {
            throw RegistrationError(
                member: "key", value: "\(keys.count) keys",
                expected: "at most \(NewClient.keysMax)")
        }
        var kept: [PublicKey] = []  // At most eight, so that looking through them is cheap.
        for key in keys where !kept.contains(key) {
            guard !key.algorithm.isSymmetric else {
                throw RegistrationError(
                    member: "key", value: key.keyID,
                    expected: "a public key: EC on P-256, RSA or Ed25519")
            }
            guard !kept.contains(where: { ByteText($0.keyID) == ByteText(key.keyID) }) else {
                throw RegistrationError(
                    member: "key", value: key.keyID, expected: "a kid that no other key has")
            }
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

    static func introspects(_ texts: [String]) throws(RegistrationError) -> [String] {
        try checkSize(of: texts, member: "introspect", bytesMax: NewClient.listMax * 64)
        for text in texts where !ClientID.isPlausible(ByteText(text)) {
            throw RegistrationError(
                member: "introspect", value: text, expected: "the id of a client, or *")
        }
        return texts.map { ByteText($0) }.uniqued().map(\.string)
    }

    static func scopes(_ texts: [ByteText]) throws(RegistrationError) -> [ByteText] {
        try checkSize(of: texts.map(\.string), member: "scope")
        for text in texts where !TextRules.isScope(text) {
            throw RegistrationError(
                member: "scope", value: text.string,
                expected: "one scope of 1 to 64 printable ASCII characters without white space, "
                    + "quotation mark and backslash (RFC 6749 §3.3)")
        }
        return texts.uniqued()
    }

    private static func checkSize(
        of texts: [String], member: ByteText, bytesMax: Int = NewClient.listBytesMax
    ) throws(RegistrationError) {
        guard texts.count <= NewClient.listMax else {
            throw RegistrationError(
                member: member, value: "\(texts.count) values",
                expected: "at most \(NewClient.listMax)")
        }
        let bytes = texts.reduce(0) { $0 + $1.utf8.count }
        guard bytes <= bytesMax else {
            throw RegistrationError(
                member: member, value: "\(bytes) bytes",
                expected: "at most \(bytesMax) bytes in all")
        }
    }
}
