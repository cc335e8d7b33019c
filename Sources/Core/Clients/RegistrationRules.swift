internal import HTTPMessages
import Tokens

/// The checks that a registration and a change of it share.
///
/// Each returns the value as it is kept, doubled entries dropped, or throws a `RegistrationError`
/// naming the member, the value and what was expected.
enum RegistrationRules {
    static func name(_ text: String) throws(RegistrationError) -> String {
        guard TextRules.isLabel(text) else {
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
        var kept: [PublicKey] = []
        for key in keys where !kept.contains(key) {
            guard !key.algorithm.isSymmetric else {
                throw RegistrationError(
                    member: "key", value: key.keyID,
                    expected: "a public key: EC on P-256, RSA or Ed25519")
            }
            guard !kept.contains(where: { $0.keyID == key.keyID }) else {
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
                let pattern = try RoomPattern(text)
                if !patterns.contains(pattern) { patterns.append(pattern) }
            } catch {
                throw RegistrationError(
                    member: "rooms", value: text,
                    expected: "1 to 256 bytes without white space, \"*\" only as last character")
            }
        }
        return patterns
    }

    static func origins(_ texts: [String]) throws(RegistrationError) -> [String] {
        try checkSize(of: texts, member: "origin", bytesMax: NewClient.listMax * 256)
        var origins: [String] = []
        for text in texts {
            do throws(OriginError) {
                origins.append(try Origin.validate(text))
            } catch {
                throw RegistrationError(
                    member: "origin", value: text, expected: "an origin such as \(error.example)")
            }
        }
        return unique(origins)
    }

    static func introspects(_ texts: [String]) throws(RegistrationError) -> [String] {
        try checkSize(of: texts, member: "introspect", bytesMax: NewClient.listMax * 64)
        for text in texts where !ClientID.isPlausible(text) {
            throw RegistrationError(
                member: "introspect", value: text, expected: "the id of a client, or *")
        }
        return unique(texts)
    }

    static func scopes(_ texts: [String]) throws(RegistrationError) -> [String] {
        try checkSize(of: texts, member: "scope")
        for text in texts where !TextRules.isScope(text) {
            throw RegistrationError(
                member: "scope", value: text,
                expected: "one scope of 1 to 64 printable ASCII characters without white space, "
                    + "quotation mark and backslash (RFC 6749 §3.3)")
        }
        return unique(texts)
    }

    private static func checkSize(
        of texts: [String], member: String, bytesMax: Int = NewClient.listBytesMax
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

    private static func unique(_ texts: [String]) -> [String] {
        var seen: Set<String> = []
        return texts.filter { seen.insert($0).inserted }
    }
}
