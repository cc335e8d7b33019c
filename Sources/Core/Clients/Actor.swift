/// Who makes a change, as the audit log names them.
package struct Actor: Sendable, Equatable, CustomStringConvertible {
    /// `cli:USER`, `client:ID` or `server`.
    package let description: String

    /// Somebody at a shell of the host; `user` is their login there.
    package static func commandLine(user: String) -> Actor {
        Actor(description: "cli:" + TextRules.printable(user, bytesMax: TextRules.bytesMax))
    }

    /// A registered client, over HTTP.
    package static func client(_ id: String) -> Actor {
        Actor(description: clientPrefix + TextRules.printable(id, bytesMax: ClientID.bytesMax))
    }

    /// The server itself, with nobody asking.
    package static let server = Actor(description: "server")

    /// Whether it is one of many who need not be trusted, and so is held to a share of what all
    /// have together.
    package var isClient: Bool { description.hasPrefix(Self.clientPrefix) }

    private static let clientPrefix = "client:"
}
