import Identifiers
import Locking
import Monitoring
import Shares
import WebSocket

/// What waits at the sockets of all loops, by client: frames that the kernel has not taken, and
/// messages that have not come whole.
///
/// Loops tell it of sockets at which much waits, and only when that has changed by a step; so those
/// who read, and write their messages at once, cost nothing here.
final class SocketShares: Sendable {
    /// Less than this is not counted, and more in multiples of it.
    static let step = 4096

    private let shares: Lock<ByteShares<SocketID>>

    init(_ limits: SocketLimits) {
        shares = Lock(
            ByteShares(
                limits: .init(
                    perClient: limits.outboundBytesPerClientMax, inAll: limits.outboundBytesInAllMax
                )))
    }

    /// - Returns: Who has to go for it, perhaps the socket itself.
    func set(
        _ bytes: Int, at socket: SocketID, of owner: any SocketOwner
    ) -> [ByteShares<SocketID>.Loser] {
        shares.withLock {
            $0.set(bytes, of: socket, subject: owner.subject, client: owner.clientID)
        }
    }
}

extension EventLoop {
    /// Within a turn, so many bytes are queued before what the kernel takes is sent.
    static let bytesPerTurnMax = 16 << 20

    /// Tells how much waits at a socket, and closes those that have to go for it.
    mutating func countWaiting(_ slot: Int) {
        let bytes =
            slots[slot].output.count &+ slots[slot].partial.count &+ slots[slot].fragments.count
        let steps = slots[slot].state == .dead ? 0 : bytes / SocketShares.step
        guard slots[slot].isCounted || steps > 0 else { return }
        guard steps != waiting[slot, default: 0] else { return }
        waiting[slot] = steps > 0 ? steps : nil
        slots[slot].isCounted = steps > 0
        guard let owner = owners[slot] else { return }
        let losers = shares.set(steps * SocketShares.step, at: id(of: slot), of: owner)
        for loser in losers {
            switch loser.shortage {
            case .clientShare: figures.closedForClientShare &+= 1
            case .whole: figures.closedForWhole &+= 1
            }
            giveWay(loser.holder)
        }
    }

    /// What waited goes with the socket.
    mutating func uncountWaiting(_ slot: Int) {
        guard slots[slot].isCounted else { return }
        slots[slot].isCounted = false
        waiting[slot] = nil
        if let owner = owners[slot] { _ = shares.set(0, at: id(of: slot), of: owner) }
    }

    /// Of a socket that is closing already nothing more is sent.
    mutating func giveWay(_ socket: SocketID) {
        if socket.loop == index {
            let slot = socket.slot
            guard slot < slots.used, slots[slot].generation == socket.generation else { return }
            switch slots[slot].state {
            case .open:
                overload(slot)
                countWaiting(slot)
            case .closing, .shutting, .draining: abandon(slot, .lost)
            case .free, .moving, .dead: break
            }
        } else {
            post(.overload, for: socket)
        }
    }

    /// Sends what has been queued so far, lest a long turn pile up more than the shares allow.
    @inline(never) mutating func sendQueued() {
        bytesInTurn = 0
        flushDirty()
    }
}
