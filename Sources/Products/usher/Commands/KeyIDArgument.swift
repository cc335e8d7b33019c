import Bytes
import Tokens

/// A key's id is its thumbprint in base64url (RFC 7638), which may begin with a dash: one in 64
/// would be read as options.
enum KeyIDArgument {
    private static let thumbprintBytes = 32

    /// The arguments with such an id behind `--`, where it is none.
    static func protected(in arguments: [String]) -> [String] {
        guard arguments.starts(with: ["key", "retire"]), !arguments.contains("--") else {
            return arguments
        }
        let ids = arguments.filter(isDashedID)
        return ids.isEmpty ? arguments : arguments.filter { !isDashedID($0) } + ["--"] + ids
    }

    private static func isDashedID(_ argument: String) -> Bool {
        argument.hasPrefix("-") && Base64URL.decode(argument)?.count == thumbprintBytes
    }
}
