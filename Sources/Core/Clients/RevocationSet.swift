package import Access
internal import Bytes
import Identifiers

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
    private var subjects: [Subject: Entry] = [:]
    private var clients: [ClientID: Entry] = [:]

    package init(_ revocations: [Revocation] = []) {
        for revocation in revocations { insert(revocation) }
    }

    package var count: Int { tokens.count + subjects.count + clients.count }

    /// Adds one; of two about the same name, the later second and the later end hold.
    package mutating func insert(_ revocation: Revocation) {
        switch revocation {
        case .token(let id, let end, _):
            Self.merge(Entry(issuedBefore: .max, expiresAt: end), into: &tokens[ByteText(id)])
        case .subject(let subject, let second, let end):
            Self.merge(Entry(issuedBefore: second, expiresAt: end), into: &subjects[subject])
        case .client(let id, let second, let end):
            Self.merge(Entry(issuedBefore: second, expiresAt: end), into: &clients[id])
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
        Self.covers(tokens, ByteText(token.tokenID), token.issuedAt)
            || Self.covers(subjects, token.subject, token.issuedAt)
            || Self.covers(clients, token.clientID, token.issuedAt)
    }

    private static func covers<Name>(
        _ entries: [Name: Entry], _ name: Name, _ issuedAt: Int64
    ) -> Bool {
        guard !entries.isEmpty, let entry = entries[name] else { return false }
        return issuedAt <= entry.issuedBefore
    }

    private static func merge(_ entry: Entry, into known: inout Entry?) {
        if known?.merge(entry) == nil { known = entry }
    }
}
