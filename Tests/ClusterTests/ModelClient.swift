import Cluster
import Rooms
import Signalling

/// What one member was told, and whether it makes sense.
struct ModelClient {
    let member: RoomMember
    let place: RoomPlace
    let sdp: [UInt8]?
    /// The step at which it asked to join.
    let since: Int
    private(set) var others: [ConnectionID: UInt64] = [:]
    private(set) var firsts = 0
    private(set) var fault: String?
    private var isIn = false
    /// All stays that it ever was told of, by their orders.
    private var known: Set<UInt64> = []
    var isAdmitted = false
    /// Its session is at this node, or about to go.
    enum Stage { case home, settling, settled }
    var stage = Stage.home
    /// When nothing is outstanding any more, once it is about to go.
    var settlesAt = 0
    /// It has a socket.
    var isAttached = true
    /// Which node its secret names.
    var secretHome: Incarnation
    /// Whose shelf its session is on.
    var shelf: String?
    /// Its session waited for another process, and nothing was in its way.
    var wasShelved = false
    var mustComeBack = false
    /// How often its session went to another node.
    var moves = 0
    /// Of its stay in the room, once it was told.
    var order: UInt64?
    /// The last payload of each sender.
    private var lastHeard: [ConnectionID: UInt64] = [:]

    init(
        _ member: RoomMember, in place: RoomPlace, sdp: [UInt8]?, since: Int,
        at home: Incarnation
    ) {
        secretHome = home
        self.member = member
        self.place = place
        self.sdp = sdp
        self.since = since
    }

    mutating func attach() { isAttached = stage == .home }

    mutating func hear(_ news: RoomNews) {
        switch news {
        case .firstToJoin:
            firsts += 1
            if !others.isEmpty || firsts > 1 { fault = "first_to_join among others" }
        case .state(let own, let present):
            if isIn { fault = "room_state twice" }
            isIn = true
            order = own.order
            if own.connection != member.connection { fault = "somebody else's room_state" }
            for other in present { meet(other) }
        case .joined(let other):
            if other.connection == member.connection { fault = "someone_joined of itself" }
            // In classic nobody is told who left, so one who comes back comes unannounced.
            if member.isV1, others[other.connection] != nil { fault = "someone_joined twice" }
            meet(other)
        case .left(let other, _):
            if others.removeValue(forKey: other.connection) == nil { fault = "stranger left" }
        }
    }

    mutating func hear(payload number: UInt64, from sender: ConnectionID) {
        if number <= lastHeard[sender] ?? 0 { fault = "payload \(number) twice or late" }
        lastHeard[sender] = number
        // A classic one is told only of those who come after it.
        if member.isV1, others[sender] == nil { fault = "payload \(number) of a stranger" }
    }

    private mutating func meet(_ other: RoomMember) {
        if !known.insert(other.order).inserted { fault = "one stay told twice" }
        others[other.connection] = other.order
    }
}
