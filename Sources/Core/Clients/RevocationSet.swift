package import Access
internal import Bytes

/// Revocations, ready to be asked about a token: at most three look-ups, whatever their number.
package struct RevocationSet: Sendable {
    private struct Entry {
        var issuedBefore: Int64
        var expiresAt: Int64

        mutating func merge(_ other: Entry) {
            issuedBefore = max(issuedBefore, other.issuedBefore)
            expiresAt = max(expiresAt, other.expiresAt)
        }
    }

    private var tokens: [ByteText: Entry] = [:]
    private var subjects: [ByteText: Entry] = [:]
    private var clients: [ByteText: Entry] = [:]

    package init(_ revocations: [Revocation] = []) {
        for revocation in revocations { insert(revocation) }
    }

    package var count: Int { tokens.count + subjects.count + clients.count }

    /// Adds one; of two about the same name, the later second and the later end hold.
    package mutating func insert(_ revocation: Revocation) {
        let name = ByteText(revocation.name)
        switch revocation {
        case .token(_, let end, _):
            Self.merge(Entry(issuedBefore: .max, expiresAt: end), into: &tokens[name])
        case .subject(_, let second, let end):
            Self.merge(Entry(issuedBefore: second, expiresAt: end), into: &subjects[name])
        case .client(_, let second, let end):
            Self.merge(Entry(issuedBefore: second, expiresAt: end), into: &clients[name])
        }
    }

    /// Drops those that ended before `second`, in seconds since the Unix epoch.
    package mutating func drop(expiredBefore second: Int64) {
        tokens = tokens.filter { $0.value.expiresAt >= second }
        subjects = subjects.filter { $0.value.expiresAt >= second }
        clients = clients.filter { $0.value.expiresAt >= second }
    }

    /// Whether a token is revoked: by its `jti`, or because its `sub` or its `client_id` was
    /// revoked in the second of its `iat` or later.
    package func isRevoked(_ token: RevocableToken) -> Bool {
        Self.covers(tokens, token.tokenID, token.issuedAt)
            || Self.covers(subjects, token.subject, token.issuedAt)
            || Self.covers(clients, token.clientID, token.issuedAt)
    }

    private static func covers(
        _ entries: [ByteText: Entry], _ name: String, _ issuedAt: Int64
    ) -> Bool {
        guard !entries.isEmpty, let entry = entries[ByteText(name)] else { return false }
        return issuedAt <= entry.issuedBefore
    }

    private static func merge(_ entry: Entry, into known: inout Entry?) {
        if known?.merge(entry) == nil { known = entry }
    }
}
