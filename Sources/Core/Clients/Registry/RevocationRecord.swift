package import Identifiers

/// A revocation as a registry keeps it.
package struct RevocationRecord: Equatable, Sendable {
    package enum Kind: String, CaseIterable, Sendable { case token, subject, client }

    package let kind: Kind
    /// The `jti`, `sub` or `client_id`.
    package let name: String
    /// nil for one token; else it holds for those issued in this second or earlier.
    package private(set) var issuedBefore: Int64?
    package private(set) var expiresAt: Int64
    /// Who revoked last.
    package let actor: String
    /// Of whose tokens one is, but for that of a whole client; nil where nobody knows.
    package private(set) var clientID: ClientID?
    /// Of one token.
    package private(set) var subject: Subject?
    package private(set) var issuedAt: Int64?
    /// What it counts against; nil: nobody's.
    package internal(set) var share: RevocationShare.Holder?

    init(_ revocation: Revocation, actor: Actor) {
        name = revocation.name
        expiresAt = revocation.expiresAt
        issuedBefore = revocation.issuedBefore
        self.actor = actor.description
        switch revocation {
        case .token(_, _, let owner):
            kind = .token
            (clientID, subject) = (owner?.clientID, owner?.subject)
            issuedAt = owner?.issuedAt
        case .subject(let subject, _, _):
            kind = .subject
            clientID = subject.clientID
        case .client: kind = .client
        }
    }

    /// Takes in what is known about the same name; false where this one adds nothing to it.
    mutating func extends(_ known: Revocation) -> Bool {
        let second = max(issuedBefore ?? .min, known.issuedBefore ?? .min)
        guard second > known.issuedBefore ?? .min || expiresAt > known.expiresAt else {
            return false
        }
        if issuedBefore != nil { issuedBefore = second }
        expiresAt = max(expiresAt, known.expiresAt)
        return true
    }
}

extension Revocation {
    /// nil for one token; else it holds for those issued in this second or earlier.
    var issuedBefore: Int64? {
        switch self {
        case .token: nil
        case .subject(_, let second, _), .client(_, let second, _): second
        }
    }

    /// As a registry has it in columns.
    package init(
        _ kind: RevocationRecord.Kind?, _ name: String, issuedBefore: Int64?, expiresAt: Int64
    ) throws {
        switch (kind, issuedBefore) {
        case (.token, nil): self = .token(id: name, expiresAt: expiresAt)
        case (.subject, let second?):
            self = .subject(Subject(name), issuedBefore: second, expiresAt: expiresAt)
        case (.client, let second?):
            self = .client(id: ClientID(name), issuedBefore: second, expiresAt: expiresAt)
        default: throw UnreadableRow()
        }
    }
}
