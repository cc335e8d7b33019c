package import Access
package import Admission
internal import Bytes
internal import Identifiers
internal import Locking
package import Signalling
internal import Tables
internal import Tokens

// What an operator, or a token that is good for one use, has left in the table:
//
// - `J#<jti>`, `-`: `revoked` true, if the token was taken back; `used`, if it was used up. `ttl`
//   is not before its end.
// - `V#<client_id>`, `-`: `disabled` true; `issued_before`, and by `sub` in the map `subjects`: the
//   tokens that were issued in that second or earlier are refused.
extension Store {
    /// Whether a token was taken back by its `jti`, its `sub` or its client, its client is
    /// disabled, or it is trusted no more.
    package func isRevoked(_ token: RevocableToken) throws(StoreFault) -> Bool {
        guard isTrusted(token) else { return true }
        if try get(ItemKey("J#\(token.tokenID)"))?["revoked"]?.flag == true { return true }
        guard let client = try get(ItemKey("V#\(token.clientID.string)")) else { return false }
        if client["disabled"]?.flag == true { return true }
        let subject = client["subjects"]?.map?[token.subject.text]
        return [client["issued_before"], subject].contains { bound in
            bound?.number.map { token.issuedAt <= $0 } ?? false
        }
    }

    /// A session's token was found good just now.
    package func noteGood(_ connection: ConnectionID) {
        lately.note(connection, at: ports.milliseconds())
    }

    /// Whether a session may be sent what waits for it; if not, its connection is closed. Whether
    /// its token was taken back is looked at again after a second.
    func mayHear(_ session: SessionItem, in invoked: Invoked) throws(StoreFault) -> Bool {
        if session.isV1, session.grant.expiresAt <= ports.now() {
            guard let gateway = session.gateway else { return false }
            try lose(session, gateway: gateway, in: invoked)
            close(gateway, 4401, "the token expired")
            return false
        }
        let now = ports.milliseconds()
        if lately.holds(session.connection, at: now) { return true }
        guard try !isRevoked(session.grant.token) else {
            try conclude(
                session, .kicked, code: 4501, text: "the token or its client was revoked",
                in: invoked)
            return false
        }
        lately.note(session.connection, at: now)
        return true
    }

    /// Notes that a token that is good for one use was used.
    package func markUsed(tokenID: String, expiresAt: Int64) -> MarkResult {
        let mark = ItemValue.text(randomText(8))
        let values: [ByteText: ItemValue] = [":mark": mark, ":ttl": .number(expiresAt + 300)]
        let write = TableWrite(
            ItemKey("J#\(tokenID)"), .update(expression("SET #used = :mark, #ttl = :ttl", values)),
            if: expression("attribute_not_exists(#used)"))
        do throws(StoreFault) {
            let outcome = try self.write(write) { $0?["used"] == mark }
            switch outcome {
            case .done: return .fresh
            case .refused(let item): return item?["used"] == mark ? .fresh : .used
            case nil: return .unavailable
            }
        } catch {
            return .unavailable
        }
    }
}

/// The sessions whose tokens were found good within the last second.
package final class GoodLately: Sendable {
    private static let milliseconds: Int64 = 1000
    private static let countMax = 1024

    private let since = Lock<[ConnectionID: Int64]>([:])

    package init() {}

    func holds(_ connection: ConnectionID, at now: Int64) -> Bool {
        since.withLock { $0[connection].map { now - $0 < Self.milliseconds } ?? false }
    }

    func note(_ connection: ConnectionID, at now: Int64) {
        since.withLock { since in
            if since.count >= Self.countMax {
                since = since.filter { now - $0.value < Self.milliseconds }
            }
            if since.count >= Self.countMax { since.removeAll() }
            since[connection] = now
        }
    }
}
