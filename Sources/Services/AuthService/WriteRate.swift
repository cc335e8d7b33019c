import Bytes
import Clients
import Locking

/// How often clients that registered themselves may have something written, to the registry and its
/// audit log, which only ever grows.
final class WriteRate: Sendable {
    static let perSecond: Int64 = 10
    static let atOnceMax: Int64 = 100

    private struct Allowance {
        var left: Int64
        var at: Int64
    }

    private let keysMax: Int
    private let allowances = Lock<[ByteText: Allowance]>([:])

    /// `keysMax`: how many clients may write within the same ten seconds.
    init(keysMax: Int = 16_384) { self.keysMax = keysMax }

    /// Takes one of the client's; `now` is in seconds since the Unix epoch. A client that an
    /// operator added has no such bound.
    func take(_ client: Client, _ now: Int64) throws(OAuthRefusal) {
        guard client.registration != nil else { return }
        let isLeft = allowances.withLock { take(ByteText(client.clientID), now, from: &$0) }
        guard isLeft else {
            throw .tooManyRequests(
                "more than \(Self.perSecond) changes a second (\(Self.atOnceMax) at once) by this "
                    + "client", retryAfter: 1)
        }
    }

    private func take(
        _ key: ByteText, _ now: Int64, from allowances: inout [ByteText: Allowance]
    ) -> Bool {
        guard var allowance = allowances[key] else {
            guard hasRoom(in: &allowances, now) else { return false }
            allowances[key] = Allowance(left: Self.atOnceMax - 1, at: now)
            return true
        }
        let seconds = min(max(0, now - allowance.at), Self.atOnceMax)
        allowance.left = min(Self.atOnceMax, allowance.left + seconds * Self.perSecond)
        allowance.at = now
        let isLeft = allowance.left > 0
        if isLeft { allowance.left -= 1 }
        allowances[key] = allowance
        return isLeft
    }

    /// Those that have had time to fill up again need not be remembered.
    private func hasRoom(in allowances: inout [ByteText: Allowance], _ now: Int64) -> Bool {
        guard allowances.count >= keysMax else { return true }
        let refill = Self.atOnceMax / Self.perSecond
        allowances = allowances.filter { now >= $0.value.at && now - $0.value.at < refill }
        return allowances.count < keysMax
    }
}
