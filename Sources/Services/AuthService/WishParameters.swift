import Bytes
import Clients
import Tokens

/// The parameters that say what a token should be, read one by one. Each error names its own.
extension TokenWish {
    /// Nil where the parameter is absent.
    static func label(
        _ form: OAuthForm, _ parameter: FormParameter
    ) throws(OAuthRefusal) -> ByteText? {
        guard let value = form[parameter] else { return nil }
        guard TextRules.isLabel(value) else {
            throw .invalidRequest(
                "\(parameter.rawValue) must have 1 to \(TextRules.bytesMax) bytes and no control "
                    + "characters")
        }
        return value
    }

    /// In seconds, never more than the client is granted.
    static func lifetime(
        _ form: OAuthForm, of client: Client, default seconds: Int64
    ) throws(OAuthRefusal) -> Int64 {
        let range = AuthConfiguration.lifetimeSecondsRange
        let latest = max(range.lowerBound, min(range.upperBound, client.lifetimeSecondsMax))
        guard let text = form[.expiresIn] else { return min(seconds, latest) }
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let seconds = Int64(text.string),
            (range.lowerBound...latest).contains(seconds)
        else {
            throw .invalidRequest(
                "expires_in must be a number of seconds from \(range.lowerBound) to "
                    + "\(latest), not \(OAuthText.quoted(text))")
        }
        return seconds
    }

    static func parsedScopes(_ text: ByteText?) throws(OAuthRefusal) -> [ByteText]? {
        guard let text else { return nil }
        guard text.count <= NewClient.listBytesMax, let scopes = Scope.parse(text.string) else {
            throw .invalidScope(
                "scope must be scope names with one space between (RFC 6749 section 3.3), "
                    + "at most \(NewClient.listBytesMax) bytes in all")
        }
        return scopes.map { ByteText($0) }.uniqued()
    }

    static func parsedRooms(_ text: ByteText?) throws(OAuthRefusal) -> [RoomPattern]? {
        guard let text else { return nil }
        let names = text.split(separator: UInt8(ascii: " "))
        guard !names.isEmpty, names.count <= NewClient.listMax,
            text.count <= NewClient.listBytesMax
        else {
            throw .invalidRequest(
                "rooms must be 1 to \(NewClient.listMax) room names with spaces between, "
                    + "at most \(NewClient.listBytesMax) bytes in all")
        }
        var patterns: [RoomPattern] = []
        for name in names { patterns.append(try pattern(name)) }
        return patterns.uniqued()
    }

    private static func pattern(_ text: ByteText) throws(OAuthRefusal) -> RoomPattern {
        do {
            return try RoomPattern(text.string)
        } catch {
            throw .invalidRequest("rooms: \(OAuthText.quoted(text)): \(error.description)")
        }
    }
}
