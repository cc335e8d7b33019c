package import Identifiers

/// How many revocations are kept of each kind, and how they are shared.
///
/// Whoever has others registered shares with them: a client that was registered over HTTP lives on
/// its registrar's share. A revocation of all that a client has is always kept, and takes the place
/// of those that it covers; so do those of operators. Nothing that is revoked is ever given up to
/// make room: who has used up a share is told what to revoke instead.
package enum RevocationShare: String, CaseIterable, Sendable {
    /// Of single tokens, by clients.
    case tokens
    /// Of all tokens of a user, by clients.
    case subjects
    /// Of session tokens, by those who sign out.
    case sessions

    /// How many may be live at once before each has no more than an even share.
    package var entriesMax: Int { self == .tokens ? 262_144 : 131_072 }
    /// How many of them one share may hold.
    package var entriesPerShareMax: Int { entriesMax / 4 }
    /// How many each may hold whatever the others have.
    package static let entriesAlways = 1_024

    /// Whether one more fits: `own` are held by this share already, `all` by `holders` altogether.
    package func hasRoom(own: Int, all: Int, holders: Int) -> Bool {
        guard own < entriesPerShareMax else { return false }
        return own < Self.entriesAlways || all < entriesMax || own < entriesMax / (holders + 1)
    }

    /// A client whose share of a kind something counts against.
    package struct Holder: Equatable, Sendable {
        package let kind: RevocationShare
        package let clientID: ClientID

        package init(kind: RevocationShare, clientID: ClientID) {
            self.kind = kind
            self.clientID = clientID
        }

        /// `KIND ID`, as it is kept.
        package var text: String { "\(kind.rawValue) \(clientID)" }
    }
}
