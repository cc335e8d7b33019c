/// One line of the audit log: who did what to whom.
package struct AuditEntry: Equatable, Sendable {
    /// Longest texts, in bytes; what is longer is cut.
    package static let actionBytesMax = 64
    package static let targetBytesMax = 512
    package static let detailsBytesMax = 1024

    /// Grows with every entry; never given twice.
    package let id: Int64
    /// Seconds since the Unix epoch.
    package let at: Int64
    /// `Actor.description`.
    package let actor: String
    /// Stable across releases: `client.add`, `client.register` (over HTTP), `client.update`,
    /// `client.rotate_secret`, `client.disable`, `client.enable`, `client.remove`, `token.revoke`,
    /// `subject.revoke`, `client.revoke_tokens`, and what others append, such as `key.rotate`.
    package let action: String
    /// The id of the client, token or key, or the subject.
    package let target: String
    /// What else is worth knowing, for people; never a secret, a digest or a token. May be empty.
    package let details: String

    /// Takes control characters out of the texts and cuts them to their longest, so that what
    /// comes from outside can neither fill the log nor forge a line where it is printed.
    package init(
        id: Int64, at: Int64, actor: String, action: String, target: String, details: String
    ) {
        self.id = id
        self.at = at
        self.actor = TextRules.printable(actor, bytesMax: Self.targetBytesMax)
        self.action = TextRules.printable(action, bytesMax: Self.actionBytesMax)
        self.target = TextRules.printable(target, bytesMax: Self.targetBytesMax)
        self.details = TextRules.printable(details, bytesMax: Self.detailsBytesMax)
    }
}
