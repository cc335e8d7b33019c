import Signalling

// What of its payloads a node has not heard of yet, one by one and by node and client.
extension PayloadSource {
    /// An answer that is to come, of a node for members that are there.
    struct Awaited {
        let node: Incarnation
        let members: PayloadTargets
    }

    struct Unanswered {
        let payload: OutgoingPayload
        let revision: Revision
        private var first: Awaited?
        private var others: [Awaited] = []
        /// For how many targets it waits until others are answered.
        var heldCount = 0
        var isKept: Bool

        init(_ payload: OutgoingPayload, _ revision: Revision, isKept: Bool) {
            self.payload = payload
            self.revision = revision
            self.isKept = isKept
        }

        var isAnswered: Bool { first == nil && heldCount == 0 }

        /// Nothing is awaited but this answer.
        func isOnly(_ target: ConnectionID, at node: Incarnation) -> Bool {
            guard heldCount == 0, others.isEmpty, let first else { return false }
            return first.node == node && first.members.count == 1 && first.members.one == target
        }

        mutating func expect(_ awaited: Awaited) {
            if first == nil { first = awaited } else { others.append(awaited) }
        }

        /// What is awaited of a node, the first of whose members this is; it isn't any more.
        mutating func take(_ target: ConnectionID, at node: Incarnation) -> Awaited? {
            if let awaited = first, awaited.node == node, awaited.members.one == target {
                first = others.popLast()
                return awaited
            }
            let index = others.firstIndex { $0.node == node && $0.members.one == target }
            return index.map { others.remove(at: $0) }
        }

        func awaits(_ node: Incarnation) -> Bool {
            first?.node == node || others.contains { $0.node == node }
        }

        /// All that is awaited of a node; it isn't any more.
        mutating func takeAll(at node: Incarnation) -> [Awaited] {
            let all = (first.map { [$0] } ?? []) + others
            others = all.filter { $0.node != node }
            first = others.isEmpty ? nil : others.removeFirst()
            return all.filter { $0.node == node }
        }
    }

    /// What is unanswered at a node, all of it and by client. No client has more of it than is
    /// free: so there is always some for others.
    struct Home {
        struct Load {
            var count = 0
            var bytes = 0
            var wasRefused = false

            mutating func add(_ bytes: Int) {
                count += 1
                self.bytes += bytes
            }

            mutating func remove(_ bytes: Int) {
                count -= 1
                self.bytes -= bytes
            }
        }

        var all = Load()
        var shares = NumberTable<Load>()

        /// Whether so many bytes more are refused to a client.
        mutating func refuses(_ share: UInt64, _ bytes: Int, _ limits: Limits) -> Bool {
            // What is longer than all that may be there has to go when nothing is.
            guard all.count > 0 else { return false }
            let own = shares[share] ?? Load()
            let (count, room) = (
                limits.payloadsMax - all.count, limits.bytesMax - all.bytes - bytes
            )
            guard count <= own.count || room < own.bytes else { return false }
            if own.count == 0 {
                all.wasRefused = true
            } else {
                shares.change(share) { $0.wasRefused = true }
            }
            return true
        }

        mutating func add(_ share: UInt64, _ bytes: Int) {
            all.add(bytes)
            shares.change(share, default: Load()) { $0.add(bytes) }
        }

        /// - Returns: Whether somebody was refused who would not be any more.
        mutating func remove(_ share: UInt64, _ bytes: Int, _ limits: Limits) -> Bool {
            all.remove(bytes)
            let (count, room) = (limits.payloadsMax - all.count, limits.bytesMax - all.bytes)
            var hasRoom = false
            let own = shares.change(share) { own in
                own.remove(bytes)
                if own.wasRefused,
                    own.count == 0 || own.count * 2 <= count && own.bytes * 2 <= room
                {
                    own.wasRefused = false
                    hasRoom = true
                }
                return own.count
            }
            if own == 0 { shares.remove(share) }
            if all.wasRefused, all.count <= count, all.bytes <= room {
                all.wasRefused = false
                hasRoom = true
            }
            return hasRoom
        }

        var wasRefused: Bool {
            var wasRefused = all.wasRefused
            shares.forEach { wasRefused = wasRefused || $1.wasRefused }
            return wasRefused
        }
    }
}
