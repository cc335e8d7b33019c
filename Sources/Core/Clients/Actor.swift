package import Identifiers

/// Who makes a change, as the audit log names them.
package struct Actor: Sendable, Equatable, CustomStringConvertible {
    /// The share of the registry that an actor lives on: one of many, not to be trusted.
    package enum Share: Sendable, Equatable {
        /// What a client does itself.
        case client(id: ClientID)
        /// What the holders of a client's session tokens do.
        case sessions(ofClient: ClientID)
    }

    /// `cli:USER`, `client:ID`, `session:ID` (of a client with this id) or `server`.
    package let description: String
    /// nil for those who are held to none.
    package let share: Share?

    /// Somebody at a shell of the host; `user` is their login there.
    package static func commandLine(user: String) -> Actor {
        Actor(
            description: "cli:" + TextRules.printable(user, bytesMax: TextRules.bytesMax),
            share: nil)
    }

    /// A registered client, over HTTP.
    package static func client(_ id: ClientID) -> Actor {
        Actor(description: "client:" + printable(id), share: .client(id: id))
    }

    /// Whoever holds a session token of this client, over HTTP.
    package static func session(ofClient id: ClientID) -> Actor {
        Actor(description: "session:" + printable(id), share: .sessions(ofClient: id))
    }

    /// The server itself, with nobody asking.
    package static let server = Actor(description: "server", share: nil)

    private static func printable(_ id: ClientID) -> String {
        TextRules.printable(id.string, bytesMax: ClientID.bytesMax)
    }
}
