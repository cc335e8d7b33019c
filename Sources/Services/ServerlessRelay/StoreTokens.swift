package import Access
package import Admission
internal import Bytes
internal import Tables

// What an operator, or a token that is good for one use, has left in the table:
//
// - `J#<jti>`, `-`: `revoked` true, if the token was taken back; `used`, if it was used up. `ttl`
//   is not before its end.
// - `V#<client_id>`, `-`: `disabled` true; `issued_before`, and by `sub` in the map `subjects`: the
//   tokens that were issued in that second or earlier are refused.
extension Store {
    /// Whether a token was taken back by its `jti`, its `sub` or its client, or its client is
    /// disabled.
    package func isRevoked(_ token: RevocableToken) throws(StoreFault) -> Bool {
        if try get(ItemKey("J#\(token.tokenID)"))?["revoked"]?.flag == true { return true }
        guard let client = try get(ItemKey("V#\(token.clientID)")) else { return false }
        if client["disabled"]?.flag == true { return true }
        let subject = client["subjects"]?.map?[ByteText(token.subject)]
        return [client["issued_before"], subject].contains { bound in
            bound?.number.map { token.issuedAt <= $0 } ?? false
        }
    }

    /// Notes that a token that is good for one use was used.
    package func markUsed(tokenID: String, expiresAt: Int64) -> MarkResult {
        let mark = ItemValue.text(randomText(8))
        let values: [String: ItemValue] = [":mark": mark, ":ttl": .number(expiresAt + 300)]
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
