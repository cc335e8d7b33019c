package import Identifiers

/// A revocation as a registry keeps it.
package struct RevocationRecord: Equatable, Sendable {
    package enum Kind: String, CaseIterable, Sendable { case token, subject, client }

    package let kind: Kind
    /// The `jti`, `sub` or `client_id`.
    package let name: String
    /// nil for one token; else it holds for those issued in this second or earlier.
    package var issuedBefore: Int64?
    package var expiresAt: Int64
    /// Who revoked last.
    package var actor: String
    /// Of whose tokens one is, but for that of a whole client; nil where nobody knows.
    package var clientID: ClientID?
    /// Of one token.
    package var subject: Subject?
    package var issuedAt: Int64?
    /// What it counts against; nil: nobody's.
    package var share: RevocationShare.Holder?

    package init(
        kind: Kind, name: String, issuedBefore: Int64?, expiresAt: Int64, actor: String,
        clientID: ClientID?, subject: Subject?, issuedAt: Int64?, share: RevocationShare.Holder?
    ) {
        self.kind = kind
        self.name = name
        self.issuedBefore = issuedBefore
        self.expiresAt = expiresAt
        self.actor = actor
        self.clientID = clientID
        self.subject = subject
        self.issuedAt = issuedAt
        self.share = share
    }

    init(_ revocation: Revocation, actor: Actor) {
        name = revocation.name
        expiresAt = revocation.expiresAt
        self.actor = actor.description
        switch revocation {
        case .token(_, _, let owner):
            kind = .token
            (clientID, subject) = (owner?.clientID, owner?.subject)
            issuedAt = owner?.issuedAt
        case .subject(let subject, let second, _):
            (kind, issuedBefore) = (.subject, second)
            clientID = subject.clientID
        case .client(_, let second, _): (kind, issuedBefore) = (.client, second)
        }
    }

    /// What it says together with a later one about the same name; nil where that adds nothing.
    func extended(by other: RevocationRecord) -> RevocationRecord? {
        let second = max(issuedBefore ?? .min, other.issuedBefore ?? .min)
        guard second > issuedBefore ?? .min || other.expiresAt > expiresAt else { return nil }
        var both = self
        if issuedBefore != nil { both.issuedBefore = second }
        both.expiresAt = max(expiresAt, other.expiresAt)
        both.actor = other.actor
        return both
    }

    package var revocation: Revocation {
        switch (kind, issuedBefore) {
        case (.subject, let second?):
            .subject(Subject(name), issuedBefore: second, expiresAt: expiresAt)
        case (.client, let second?):
            .client(id: ClientID(name), issuedBefore: second, expiresAt: expiresAt)
        default: .token(id: name, expiresAt: expiresAt)
        }
    }
}
