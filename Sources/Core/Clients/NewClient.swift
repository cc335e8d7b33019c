internal import HTTPMessages
package import Tokens

/// What a client is registered with, once every check has held.
package struct NewClient: Equatable, Sendable {
    /// Rooms, origins and scopes: at most this many of each.
    package static let listMax = 32
    /// All room patterns together, and all scopes together, so that a token stays far below the
    /// 8 KiB that verifiers take.
    package static let listBytesMax = 1024

    package let name: String
    package let rooms: [RoomPattern]
    package let origins: [String]
    package let scopes: [String]

    /// Checks a registration; doubled entries are dropped.
    ///
    /// - Parameters:
    ///   - name: 1 to 256 bytes of UTF-8 without control characters.
    ///   - rooms: Room patterns; none means `*`, which is every room of the client's own.
    ///   - origins: Each `scheme://host[:port]`, in lower case, as browsers send it.
    ///   - scopes: Scope tokens (RFC 6749 §3.3); none means `signal`.
    /// - Throws: `RegistrationError` naming the member, the value and what was expected.
    package init(
        name: String, rooms: [String] = [], origins: [String] = [], scopes: [String] = []
    ) throws(RegistrationError) {
        guard TextRules.isLabel(name) else {
            throw RegistrationError(
                member: "name", value: name,
                expected: "1 to 256 bytes of UTF-8 without control characters")
        }
        self.name = name
        self.rooms = try NewClient.patterns(rooms.isEmpty ? ["*"] : rooms)
        self.origins = try NewClient.checkedOrigins(origins)
        self.scopes = try NewClient.checkedScopes(scopes.isEmpty ? ["signal"] : scopes)
    }

    /// Makes a client of this registration.
    ///
    /// - Parameters:
    ///   - clientID: From `ClientID.make`.
    ///   - secretDigest: From `ClientSecretText.digest`.
    ///   - now: Seconds since the Unix epoch.
    /// - Returns: An enabled client with that one secret.
    package func client(
        clientID: String, secretDigest: [UInt8], atSecondsSinceEpoch now: Int64
    ) -> Client {
        Client(
            clientID: clientID, name: name, rooms: rooms, origins: origins, scopes: scopes,
            createdAt: now, secrets: [ClientSecret(digest: secretDigest, createdAt: now)])
    }

    private static func patterns(_ texts: [String]) throws(RegistrationError) -> [RoomPattern] {
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

    private static func checkedOrigins(_ texts: [String]) throws(RegistrationError) -> [String] {
        try checkSize(of: texts, member: "origin", bytesMax: listMax * 256)
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

    private static func checkedScopes(_ texts: [String]) throws(RegistrationError) -> [String] {
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
        of texts: [String], member: String, bytesMax: Int = listBytesMax
    ) throws(RegistrationError) {
        guard texts.count <= listMax else {
            throw RegistrationError(
                member: member, value: "\(texts.count) values", expected: "at most \(listMax)")
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
