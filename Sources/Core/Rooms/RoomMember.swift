package import Identifiers
package import Signalling

/// One connection in one room.
package struct RoomMember: Equatable, Sendable {
    /// How a member is reached, by the dialect it speaks.
    package enum Route: Equatable, Sendable {
        /// Where its messages go; means something only to whoever performs the sends.
        case classic(address: UInt64)
        /// It is found by its connection, which outlives its sockets. The subject is that of its
        /// token; nil where that names none.
        case v1(subject: Subject?)
    }

    package let connection: ConnectionID
    package let route: Route
    /// Seconds on a clock that never goes back.
    package let joinedAt: UInt32
    /// The later of two members has the greater one; given by the room.
    package internal(set) var order: UInt64
    package let peerID: PeerID
    /// Its place is from before a restart, and nobody has come back for it yet. Clients of before
    /// forget at a restart what they would have to show, and join anew.
    package internal(set) var isUnclaimed: Bool
    /// At which node of a cluster it is, by the bits of its incarnation; 0 for this process,
    /// `leavingHome` for one of this process that takes part no more, `arrivingHome` for one that
    /// has come from another node, where something may still be on its way for it, and
    /// `landingHome` for one for which something may still wait for this node's bus.
    package internal(set) var home: UInt64
    /// What people see; nil where none was given.
    package let name: String?

    package static let leavingHome = UInt64.max
    package static let arrivingHome = UInt64.max - 1
    package static let landingHome = UInt64.max - 2

    package init(
        connection: ConnectionID, route: Route, peerID: PeerID, name: String? = nil,
        joinedAt: UInt32 = 0, order: UInt64 = 0, isUnclaimed: Bool = false, home: UInt64 = 0
    ) {
        self.connection = connection
        self.route = route
        self.peerID = peerID
        self.name = name
        self.joinedAt = joinedAt
        self.order = order
        self.isUnclaimed = isUnclaimed
        self.home = home
    }

    /// Where to send for a member.
    package enum Address: Equatable, Sendable {
        case classic(UInt64)
        /// Found by its connection.
        case v1
        /// At another node, by the bits of its incarnation.
        case elsewhere(UInt64)
        /// In this process, and behind what is on its way to it over the bus.
        case arriving
        /// In this process, and behind what the bus has not taken yet.
        case landing
        /// It is leaving: nothing reaches it any more.
        case nowhere
    }

    @inline(__always)
    package var address: Address {
        guard home == 0 else { return distantAddress }
        return switch route {
        case .classic(let address): .classic(address)
        case .v1: .v1
        }
    }

    private var distantAddress: Address {
        switch home {
        case Self.leavingHome: .nowhere
        case Self.arrivingHome: .arriving
        case Self.landingHome: .landing
        default: .elsewhere(home)
        }
    }

    /// At another node of the cluster.
    package var isElsewhere: Bool { home != 0 && home < Self.landingHome }

    /// Whether what it is sent goes over the bus, which has taken all that waited for it or not.
    package func isOverBus(whileBusy isBusy: Bool) -> Bool {
        switch home {
        case 0, Self.leavingHome: false
        case Self.landingHome: isBusy
        default: true
        }
    }

    package var isV1: Bool { if case .v1 = route { true } else { false } }

    package var dialect: Dialect { isV1 ? .v1 : .classic }

    /// The same member, known since another time.
    func joined(at second: UInt32) -> RoomMember {
        RoomMember(
            connection: connection, route: route, peerID: peerID, name: name, joinedAt: second,
            order: order, isUnclaimed: isUnclaimed, home: home)
    }

    /// What becomes of this member when `newer` joins with the same peer id (docs/protocol.md §2).
    func verdict(on newer: RoomMember) -> SamePeer {
        guard case .v1(let own) = route, case .v1(let other) = newer.route else { return .bothStay }
        switch (own, other) {
        case (let own?, let other?):
            return own == other ? .olderLeaves : .newerIsRefused
        case (nil, nil): return isUnclaimed ? .olderLeaves : .newerIsRefused
        default: return .newerIsRefused
        }
    }

    enum SamePeer { case bothStay, olderLeaves, newerIsRefused }
}
