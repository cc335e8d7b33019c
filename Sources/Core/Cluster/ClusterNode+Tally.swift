extension ClusterNode {
    /// What a node has counted since it was made, for an operator.
    package struct Tally: Equatable, Sendable {
        package init() {}

        /// Writes to the store, by what was answered.
        package internal(set) var accepted = 0
        package internal(set) var conflicts = 0
        package internal(set) var unknown = 0
        /// Other nodes that died, and that left in order, while this one was a member.
        package internal(set) var died = 0
        package internal(set) var left = 0
        /// Sessions that went to other nodes, and that came from them.
        package internal(set) var given = 0
        package internal(set) var taken = 0
        /// Sessions that were lost on their way, each counted at one node: as the other one died,
        /// and as nobody could go on with what there was.
        package internal(set) var diedOnTheWay = 0
        package internal(set) var lostOnTheWay = 0
        /// Sessions of this node, which was about to end, that were to go to others and ended here.
        package internal(set) var undrained = 0
        /// Mails that were sent to other nodes once more.
        package internal(set) var resent = 0
        /// Frames that went to other nodes, and that came from them.
        package internal(set) var framesSent = 0
        package internal(set) var framesReceived = 0
        /// Mails of kinds that only later versions know.
        package internal(set) var passedOver = 0
        /// Frames, mails, documents and sessions that nobody of this version writes.
        package internal(set) var unreadable = 0

        mutating func note(_ answer: StoreAnswer) {
            switch answer {
            case .accepted: accepted += 1
            case .conflict: conflicts += 1
            case .unknown: unknown += 1
            case .found, .next, .unreadable: break
            }
        }

        mutating func note(hasLeft: Bool) {
            if hasLeft { left += 1 } else { died += 1 }
        }

        /// What went over a line; once, when there are no more questions to it.
        mutating func note(_ line: ClusterLine) {
            resent += line.resentCount
            framesSent += line.frameCount
        }
    }

    package var counted: Tally {
        var result = tally
        for line in lines.values { result.note(line) }
        return result
    }

    /// In which format documents are written.
    package var format: UInt8 { keys.format }

    /// All nodes, as this one knows them.
    package var roster: [NodeSummary] {
        keys.roster.map { node in
            guard !node.isSelf, node.state == .alive else { return node }
            var node = node
            node.waiting =
                lines[node.incarnation]?.waiting(tick: timing.linkTick) ?? ClusterLine.Waiting()
            return node
        }
    }

    /// How many nodes live, as far as this one knows; itself too.
    package var livingCount: Int { keys.living.count + 1 }
}
